//! What is answered to who does not come in: the same at every door.

use schemas::problem::Problem;

use crate::AuthError;

/// The key of an `Authorization` header's value (`Bearer KEY`, the scheme in any case); empty where there is none.
#[must_use]
pub fn bearer(authorization: &str) -> &str {
    match authorization.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key.trim(),
        _ => "",
    }
}

impl AuthError {
    /// The problem to answer with.
    #[must_use]
    pub fn problem(self) -> Problem {
        let (code, detail) = match self {
            AuthError::Missing => ("key-missing", "send the lab's key as 'Authorization: Bearer KEY'"),
            AuthError::Unknown => ("key-unknown", "no lab has this key; a new one works within 10 seconds"),
            AuthError::Revoked => ("key-revoked", "this key was revoked or replaced; use the lab's new key"),
            AuthError::NotLoaded => {
                let detail = "the labs' keys could not be read yet; send the same again";
                return Problem::new(503, "directory-unavailable", detail).retry_after(5);
            }
        };
        Problem::new(401, code, detail)
    }

    /// The value of `WWW-Authenticate` (RFC 6750, section 3: no error code where no credentials were given).
    #[must_use]
    pub fn challenge(self) -> &'static str {
        match self {
            AuthError::Missing | AuthError::NotLoaded => r#"Bearer realm="referto""#,
            AuthError::Unknown | AuthError::Revoked => r#"Bearer realm="referto", error="invalid_token""#,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn the_scheme_is_bearer_in_any_case() {
        for (value, key) in
            [("Bearer k", "k"), ("bearer  k ", "k"), ("BEARER k", "k"), ("Basic k", ""), ("k", ""), ("Bearer", "")]
        {
            assert_eq!(bearer(value), key, "{value}");
        }
    }
}
