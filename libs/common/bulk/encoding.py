"""Text of unknown encoding to UTF-8: UTF-8 with or without its mark, else GB18030."""

import codecs

from libs.common.http.problems import Problem

_MARK = codecs.BOM_UTF8


class Transcoder:
    """Pieces of a file in, the same pieces as UTF-8 out; characters may span pieces.

    A file is UTF-8 until a byte says otherwise; what came before was then ASCII, or it is neither.
    """

    def __init__(self) -> None:
        self._utf8: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
        self._national = codecs.getincrementaldecoder("gb18030")()
        self._plain = True
        self._begun = False

    def __call__(self, piece: bytes, *, last: bool = False) -> bytes:
        if not self._begun:
            self._begun = True
            piece = piece.removeprefix(_MARK)
        if self._utf8 is not None:
            return self._as_utf8(self._utf8, piece, last=last)
        return self._as_national(piece, last=last)

    def _as_utf8(self, decoder: codecs.IncrementalDecoder, piece: bytes, *, last: bool) -> bytes:
        held = decoder.getstate()[0]
        try:
            text = decoder.decode(piece, last)
        except UnicodeDecodeError:
            if not self._plain:
                raise Problem("import_encoding") from None
            self._utf8 = None
            return self._as_national(held + piece, last=last)
        self._plain = self._plain and text.isascii()
        return text.encode()

    def _as_national(self, piece: bytes, *, last: bool) -> bytes:
        try:
            return self._national.decode(piece, last).encode()
        except UnicodeDecodeError:
            raise Problem("import_encoding") from None
