//! TLS to the server: whose certificates are believed.

use std::{path::Path, sync::Arc};

use ::scylla::client::session::TlsContext;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use super::session::unavailable;
use crate::StoreError;

/// Trusts what the authorities in this PEM file signed, and nothing else: a database has an authority of its own.
pub(super) fn trusting(authorities: &Path) -> Result<TlsContext, StoreError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authorities).map_err(unavailable)? {
        roots.add(certificate.map_err(unavailable)?).map_err(unavailable)?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unavailable)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsContext::Rustls023(Arc::new(config)))
}
