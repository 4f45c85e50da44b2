//! The checksums S3 knows, computed while bytes pass and compared before anything is committed.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::{S3Error, TrailingHeaders, s3_error};
use serde::{Deserialize, Serialize};

use super::error::StoreError;

/// A checksum algorithm of S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// The algorithm of this name, in any case.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// The name as S3 writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    fn of_header(name: &str) -> Option<Self> {
        Self::parse(name.trim().strip_prefix("x-amz-checksum-")?)
    }

    fn header(self) -> String {
        format!("x-amz-checksum-{}", self.name().to_ascii_lowercase())
    }
}

/// What a checksum covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Coverage {
    /// Every byte of the object.
    FullObject,
    /// The checksums of the parts.
    Composite,
}

impl Coverage {
    /// The word of the wire for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FullObject => "FULL_OBJECT",
            Self::Composite => "COMPOSITE",
        }
    }
}

/// A checksum that an object or a part carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksum {
    pub(crate) algorithm: Algorithm,
    /// Base64; a composite one ends with `-` and the number of parts.
    pub(crate) value: String,
    pub(crate) coverage: Coverage,
}

/// Sets the checksum fields of an output that S3 has five of.
macro_rules! set_checksum {
    ($output:expr, $checksum:expr) => {
        if let Some(checksum) = $checksum {
            let value = Some(checksum.value.clone());
            match checksum.algorithm {
                $crate::s3::checksum::Algorithm::Crc32 => $output.checksum_crc32 = value,
                $crate::s3::checksum::Algorithm::Crc32c => $output.checksum_crc32c = value,
                $crate::s3::checksum::Algorithm::Crc64Nvme => $output.checksum_crc64nvme = value,
                $crate::s3::checksum::Algorithm::Sha1 => $output.checksum_sha1 = value,
                $crate::s3::checksum::Algorithm::Sha256 => $output.checksum_sha256 = value,
            }
        }
    };
}
pub(crate) use set_checksum;

/// The checksums in the five fields of an input.
macro_rules! given_checksums {
    ($input:expr) => {{
        use $crate::s3::checksum::Algorithm;
        [
            (Algorithm::Crc32, $input.checksum_crc32.clone()),
            (Algorithm::Crc32c, $input.checksum_crc32c.clone()),
            (Algorithm::Crc64Nvme, $input.checksum_crc64nvme.clone()),
            (Algorithm::Sha1, $input.checksum_sha1.clone()),
            (Algorithm::Sha256, $input.checksum_sha256.clone()),
        ]
        .into_iter()
        .filter_map(|(algorithm, value)| Some((algorithm, value?)))
        .collect::<Vec<_>>()
    }};
}
pub(crate) use given_checksums;

/// One running checksum.
pub(crate) enum Hasher {
    Crc32(Crc32),
    Crc32c(Crc32c),
    Crc64Nvme(Crc64Nvme),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Crc32 => Self::Crc32(Crc32::new()),
            Algorithm::Crc32c => Self::Crc32c(Crc32c::new()),
            Algorithm::Crc64Nvme => Self::Crc64Nvme(Crc64Nvme::new()),
            Algorithm::Sha1 => Self::Sha1(Sha1::new()),
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        match self {
            Self::Crc32(hasher) => hasher.update(data),
            Self::Crc32c(hasher) => hasher.update(data),
            Self::Crc64Nvme(hasher) => hasher.update(data),
            Self::Sha1(hasher) => hasher.update(data),
            Self::Sha256(hasher) => hasher.update(data),
        }
    }

    pub(crate) fn finish(self) -> String {
        match self {
            Self::Crc32(hasher) => BASE64_STANDARD.encode(hasher.finalize()),
            Self::Crc32c(hasher) => BASE64_STANDARD.encode(hasher.finalize()),
            Self::Crc64Nvme(hasher) => BASE64_STANDARD.encode(hasher.finalize()),
            Self::Sha1(hasher) => BASE64_STANDARD.encode(hasher.finalize()),
            Self::Sha256(hasher) => BASE64_STANDARD.encode(hasher.finalize()),
        }
    }
}

/// The composite checksum of parts with these checksums, in order.
pub(crate) fn composite(algorithm: Algorithm, values: &[String]) -> Option<Checksum> {
    let mut hasher = Hasher::new(algorithm);
    for value in values {
        hasher.update(&BASE64_STANDARD.decode(value).ok()?);
    }
    let value = format!("{}-{}", hasher.finish(), values.len());
    Some(Checksum { algorithm, value, coverage: Coverage::Composite })
}

/// `bytes` in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;

    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The `ETag` of a multipart object whose parts have these `ETag`s, in order.
pub(crate) fn multipart_etag<'a>(etags: impl ExactSizeIterator<Item = &'a str>) -> String {
    let count = etags.len();
    let mut md5 = Md5::new();
    for etag in etags {
        md5.update(&unhex(etag));
    }
    format!("{}-{count}", hex(&md5.finalize()))
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| u8::try_from(c.to_digit(16)?).ok()).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// What the client says about the bytes it sends.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    md5: Option<String>,
    length: Option<u64>,
    given: Option<(Algorithm, String)>,
    trailing: Option<(Algorithm, TrailingHeaders)>,
    preferred: Option<Algorithm>,
}

impl Claims {
    /// Collects the claims of an upload; trailing ones are read when the body is.
    pub(crate) fn new(
        headers: &HeaderMap,
        md5: Option<String>,
        length: Option<i64>,
        mut given: Vec<(Algorithm, String)>,
        trailing_headers: Option<TrailingHeaders>,
    ) -> Result<Self, S3Error> {
        if given.len() > 1 {
            return Err(s3_error!(InvalidRequest, "expecting a single x-amz-checksum- header"));
        }
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let announced = text("x-amz-trailer").and_then(Algorithm::of_header);
        Ok(Self {
            md5,
            length: length.and_then(|length| u64::try_from(length).ok()),
            given: given.pop(),
            trailing: announced.zip(trailing_headers),
            preferred: text("x-amz-sdk-checksum-algorithm").and_then(Algorithm::parse),
        })
    }

    /// The algorithm to compute while the bytes pass.
    pub(crate) fn algorithm(&self, default: Algorithm) -> Algorithm {
        let given = self.given.as_ref().map(|(algorithm, _)| *algorithm);
        let trailing = self.trailing.as_ref().map(|(algorithm, _)| *algorithm);
        given.or(trailing).or(self.preferred).unwrap_or(default)
    }

    /// Compares what was said with what came.
    pub(crate) fn check(
        &self,
        size: u64,
        md5: &[u8; 16],
        checksum: &Checksum,
    ) -> Result<(), StoreError> {
        if self.length.is_some_and(|length| length != size) {
            return Err(s3_error!(IncompleteBody, "{size} bytes came").into());
        }
        if self.md5.as_ref().is_some_and(|claim| *claim != BASE64_STANDARD.encode(md5)) {
            return Err(s3_error!(BadDigest, "the Content-MD5 did not match what came").into());
        }
        let claim = self.claimed_checksum()?;
        if claim.is_some_and(|claim| claim != checksum.value) {
            let name = checksum.algorithm.name();
            return Err(s3_error!(BadDigest, "the {name} checksum did not match what came").into());
        }
        Ok(())
    }

    fn claimed_checksum(&self) -> Result<Option<String>, StoreError> {
        if let Some((_, value)) = &self.given {
            return Ok(Some(value.clone()));
        }
        let Some((algorithm, trailers)) = &self.trailing else {
            return Ok(None);
        };
        let header = algorithm.header();
        let read = |trailers: &HeaderMap| Some(trailers.get(&header)?.to_str().ok()?.to_owned());
        match trailers.read(read).flatten() {
            Some(value) => Ok(Some(value)),
            None => {
                Err(s3_error!(InvalidRequest, "the trailing header {header} is missing").into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_etag_of_parts_is_the_md5_of_their_md5s_and_their_number() {
        let empty = "d41d8cd98f00b204e9800998ecf8427e";

        let etag = multipart_etag([empty, empty].into_iter());

        assert_eq!(etag, format!("{}-2", hex(&Md5::checksum(&unhex(&empty.repeat(2))))));
    }

    #[test]
    fn every_algorithm_is_found_by_its_name_and_header() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::parse(&algorithm.name().to_lowercase()), Some(algorithm));
            assert_eq!(Algorithm::of_header(&algorithm.header()), Some(algorithm));
        }
    }
}
