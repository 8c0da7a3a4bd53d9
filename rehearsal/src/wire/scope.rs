//! The SigV4 credential scope of a request: who signed it, for which Region and service.

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

/// The credential scope, without the date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) access_key: String,
    pub(crate) region: String,
    pub(crate) service: String,
}

/// From the `Authorization` header, else from a presigned query.
pub(crate) fn scope_of(headers: &HeaderMap, query: &str) -> Option<Scope> {
    from_header(headers).or_else(|| from_query(query))
}

fn from_header(headers: &HeaderMap) -> Option<Scope> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let parameters = value.strip_prefix("AWS4-HMAC-SHA256")?;
    let credential = parameters.split(',').find_map(|part| part.trim().strip_prefix("Credential="))?;
    from_credential(credential)
}

fn from_query(query: &str) -> Option<Scope> {
    let (_, credential) =
        form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name.eq_ignore_ascii_case("X-Amz-Credential"))?;
    from_credential(&credential)
}

/// `KEY/DATE/REGION/SERVICE/aws4_request`; read from the end, as a key may hold slashes.
fn from_credential(credential: &str) -> Option<Scope> {
    let mut parts = credential.rsplitn(5, '/');
    let (terminator, service, region) = (parts.next()?, parts.next()?, parts.next()?);
    let (_date, access_key) = (parts.next()?, parts.next()?);
    (terminator == "aws4_request").then(|| Scope {
        access_key: access_key.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(access_key: &str, region: &str, service: &str) -> Option<Scope> {
        Some(Scope { access_key: access_key.into(), region: region.into(), service: service.into() })
    }

    fn header(value: &str) -> Option<Scope> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        scope_of(&headers, "")
    }

    #[test]
    fn the_header_names_key_region_and_service() {
        let value = "AWS4-HMAC-SHA256 Credential=ASIAX/20261120/us-west-2/rds/aws4_request, \
                     SignedHeaders=host;x-amz-date, Signature=00ff";
        assert_eq!(header(value), scope("ASIAX", "us-west-2", "rds"));
        let tight = "AWS4-HMAC-SHA256 SignedHeaders=host,Credential=A/B/20261120/eu-west-1/ecs/aws4_request,Signature=0";
        assert_eq!(header(tight), scope("A/B", "eu-west-1", "ecs"));
    }

    #[test]
    fn so_does_a_presigned_query() {
        let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIAX%2F20261120%2Fus-east-1%2Fs3%2Faws4_request";
        assert_eq!(scope_of(&HeaderMap::new(), query), scope("ASIAX", "us-east-1", "s3"));
    }

    #[test]
    fn anything_else_is_unsigned() {
        assert_eq!(scope_of(&HeaderMap::new(), "a=b"), None);
        assert_eq!(header("Bearer abc"), None);
        assert_eq!(header("AWS4-HMAC-SHA256 Credential=short/aws4_request"), None);
        assert_eq!(header("AWS4-HMAC-SHA256 Credential=A/20261120/r/s/other"), None);
    }
}
