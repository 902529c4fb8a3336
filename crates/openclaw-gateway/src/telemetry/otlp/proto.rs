//! The encoding of protobuf: fields with a number and a wire type.

/// A message that is being written. Fields that have their default value are left out.
#[derive(Clone, Debug, Default)]
pub(super) struct Message(Vec<u8>);

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const LENGTH: u64 = 2;
const FIXED32: u64 = 5;

impl Message {
    /// Returns the encoded message.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Adds a text.
    pub(super) fn text(self, field: u64, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    /// Adds bytes.
    pub(super) fn bytes(self, field: u64, bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return self;
        }
        self.whole(field, bytes)
    }

    /// Adds a text that is one of several that a field may be, so that an empty one counts too.
    pub(super) fn exact_text(self, field: u64, text: &str) -> Self {
        self.whole(field, text.as_bytes())
    }

    /// Adds a message, be it an empty one.
    pub(super) fn message(self, field: u64, message: &Self) -> Self {
        self.whole(field, &message.0)
    }

    /// Adds messages.
    pub(super) fn messages(self, field: u64, messages: impl IntoIterator<Item = Self>) -> Self {
        messages
            .into_iter()
            .fold(self, |all, one| all.message(field, &one))
    }

    /// Adds a whole number (`uint32`, `uint64`, an enum or a `bool`).
    pub(super) fn number(mut self, field: u64, number: u64) -> Self {
        if number != 0 {
            self.key(field, VARINT);
            self.varint(number);
        }
        self
    }

    /// Adds a `fixed64`.
    pub(super) fn fixed(mut self, field: u64, number: u64) -> Self {
        if number != 0 {
            self.key(field, FIXED64);
            self.0.extend(number.to_le_bytes());
        }
        self
    }

    /// Adds a `fixed32`.
    pub(super) fn fixed32(mut self, field: u64, number: u32) -> Self {
        if number != 0 {
            self.key(field, FIXED32);
            self.0.extend(number.to_le_bytes());
        }
        self
    }

    /// Adds a `double` that is one of several that a field may be, so that zero counts too.
    pub(super) fn double(mut self, field: u64, number: f64) -> Self {
        self.key(field, FIXED64);
        self.0.extend(number.to_le_bytes());
        self
    }

    /// Adds a whole number that is one of several that a field may be, so that zero counts too.
    pub(super) fn exact(mut self, field: u64, number: u64) -> Self {
        self.key(field, VARINT);
        self.varint(number);
        self
    }

    /// Adds a packed list of values of eight bytes each.
    pub(super) fn packed(self, field: u64, values: impl IntoIterator<Item = [u8; 8]>) -> Self {
        let bytes: Vec<u8> = values.into_iter().flatten().collect();
        self.bytes(field, &bytes)
    }

    fn whole(mut self, field: u64, bytes: &[u8]) -> Self {
        self.key(field, LENGTH);
        self.varint(u64::try_from(bytes.len()).unwrap_or_default());
        self.0.extend_from_slice(bytes);
        self
    }

    fn key(&mut self, field: u64, wire: u64) {
        self.varint((field << 3) | wire);
    }

    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0
                .push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
            number >>= 7;
        }
        self.0.push(u8::try_from(number).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_that_of_the_specification() {
        let inner = Message::default().number(1, 150);
        assert_eq!(inner.clone().into_bytes(), [0x08, 0x96, 0x01]);
        let all = Message::default()
            .text(2, "testing")
            .message(3, &inner)
            .number(4, 0)
            .bytes(5, b"")
            .fixed(6, 1);
        let wanted = [
            &[0x12, 0x07][..],
            b"testing",
            &[0x1a, 0x03, 0x08, 0x96, 0x01],
            &[0x31, 1, 0, 0, 0, 0, 0, 0, 0],
        ];
        assert_eq!(all.into_bytes(), wanted.concat());
    }
}
