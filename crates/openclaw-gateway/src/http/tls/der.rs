//! What of a certificate is looked at before it is used: from when to when it holds, and who says so.
//!
//! rustls reads certificates to send them or to judge those of others; of its own it looks at
//! nothing. This reads the four fields that a mistake shows in (RFC 5280, 4.1) and nothing else.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// What a certificate says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts<'a> {
    /// The name of who has signed it, in DER.
    pub(super) issuer: &'a [u8],
    /// Its own name, in DER.
    pub(super) subject: &'a [u8],
    /// From when it holds.
    pub(super) not_before: Timestamp,
    /// Until when it holds.
    pub(super) not_after: Timestamp,
}

impl<'a> Facts<'a> {
    /// Reads a certificate; none where it is not one.
    pub(super) fn of(certificate: &'a [u8]) -> Option<Self> {
        let mut outer = Fields(certificate);
        let mut signed = Fields(Fields(outer.value(SEQUENCE)?).value(SEQUENCE)?);
        if signed.0.first() == Some(&VERSION) {
            signed.next()?;
        }
        let _serial_number = signed.next()?;
        let _algorithm = signed.next()?;
        let issuer = signed.value(SEQUENCE)?;
        let mut validity = Fields(signed.value(SEQUENCE)?);
        let (not_before, not_after) = (time(validity.next()?)?, time(validity.next()?)?);
        Some(Self {
            issuer,
            subject: signed.value(SEQUENCE)?,
            not_before,
            not_after,
        })
    }
}

/// The fields that are left of a value.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// Takes the next field: its tag and its value.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // No certificate is longer than what three bytes can tell.
            0x81..=0x83 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let add = |sum: usize, byte: &u8| (sum << 8) | usize::from(*byte);
                (bytes.iter().fold(0, add), rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }

    fn value(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next()
            .and_then(|(is, value)| (is == tag).then_some(value))
    }
}

/// Reads a time in the two forms that certificates may have (RFC 5280, 4.1.2.5).
fn time((tag, text): (u8, &[u8])) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?;
    let long = match tag {
        // Two digits of the year are of 1950 to 2049.
        UTC_TIME if text.bytes().next()? >= b'5' => format!("19{text}"),
        UTC_TIME => format!("20{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let civil = DateTime::strptime("%Y%m%d%H%M%SZ", long).ok()?;
    civil
        .to_zoned(TimeZone::UTC)
        .ok()
        .map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, Issuer, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn reads_what_a_certificate_says_about_itself() {
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(2020, 1, 2);
        params.not_after = date_time_ymd(2051, 3, 4);
        params.distinguished_name.push(DnType::CommonName, "claw");
        let key = KeyPair::generate().unwrap();
        let above = CertificateParams::default();
        let issuer = Issuer::from_params(&above, KeyPair::generate().unwrap());
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let facts = Facts::of(certificate.der()).unwrap();
        assert_eq!(facts.not_before.to_string(), "2020-01-02T00:00:00Z");
        assert_eq!(facts.not_after.to_string(), "2051-03-04T00:00:00Z");
        assert!(facts.subject.ends_with(b"claw") && facts.issuer != facts.subject);
        let itself = params.self_signed(&key).unwrap();
        let facts = Facts::of(itself.der()).unwrap();
        assert_eq!(facts.issuer, facts.subject);
    }

    #[test]
    fn whatever_is_no_certificate_is_none() {
        let key = KeyPair::generate().unwrap();
        let good = CertificateParams::default().self_signed(&key).unwrap();
        for cut in 0..good.der().len() {
            assert_eq!(Facts::of(&good.der()[..cut]), None, "{cut}");
        }
        for bad in [
            &b""[..],
            &[0x30],
            &[0x30, 0x84, 1, 1, 1, 1],
            &[0x30, 0x80, 0, 0],
        ] {
            assert_eq!(Facts::of(bad), None, "{bad:?}");
        }
    }
}
