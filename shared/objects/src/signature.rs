//! Signature version 4, by the SDK's signer, with what S3 wants otherwise than every other service.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;

/// The headers that sign a request without body.
pub(crate) fn headers(
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    credentials: Credentials,
    region: &str,
    time: SystemTime,
) -> Result<Vec<(String, String)>, String> {
    let identity: Identity = credentials.into();
    let mut settings = SigningSettings::default();
    // S3 compares with the path as it was sent, and asks for the digest of the body even where there is none.
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("s3")
        .time(time)
        .settings(settings)
        .build()
        .map_err(|error| error.to_string())?
        .into();
    let signable = SignableRequest::new(method, uri, headers.iter().copied(), SignableBody::Bytes(b""))
        .map_err(|error| error.to_string())?;
    let (instructions, _signature) = sign(signable, &parameters).map_err(|error| error.to_string())?.into_parts();
    Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The example of "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk" in the
    /// reference of S3's API: a ranged GET whose signature is printed there.
    #[test]
    fn a_ranged_get_is_signed_as_the_reference_of_s3_signs_it() {
        let credentials = Credentials::new(
            "AKIAIOSFODNN7EXAMPLE",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            None,
            None,
            "the reference's example",
        );
        // 24 May 2013, 00:00:00 UTC.
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_369_353_600);
        let uri = "https://examplebucket.s3.amazonaws.com/test.txt";
        let signed = headers("GET", uri, &[("range", "bytes=0-9")], credentials, "us-east-1", time).unwrap();
        let authorization = signed.iter().find(|(name, _)| name == "authorization").unwrap();
        let expected = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
             SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
             Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
        assert_eq!(authorization.1, expected);
    }
}
