"""Which images the renderer makes: raised with every change of their bytes.

A rendered folder is named by this number and not by the code: a comment, a message or a faster way to the
same bytes renders nothing again. A test holds it against the bytes.
"""

VERSION = 1
