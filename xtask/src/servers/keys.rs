//! A server's key and the authority that signed it, made anew for each folder with the tool that Java brings.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};

/// Of the stores, which are as secret as the tests.
pub(crate) const PASSWORD: &str = "loopback";

/// Files of one server on 127.0.0.1.
pub(crate) struct Keys {
    /// The server's key with its certificate (PKCS12).
    pub(crate) store: PathBuf,
    /// The authority that signed it (PEM).
    pub(crate) authority: PathBuf,
    /// An authority that signed nothing (PEM).
    pub(crate) stranger: PathBuf,
}

impl Keys {
    /// Makes them in `folder`.
    pub(crate) fn make(folder: &Path) -> anyhow::Result<Self> {
        let of = |name: &str| folder.join(name);
        let keys = Self { store: of("server.p12"), authority: of("authority.pem"), stranger: of("stranger.pem") };
        for (alias, file) in [("authority", &keys.authority), ("stranger", &keys.stranger)] {
            keys.tool(&["-genkeypair", "-alias", alias, "-dname", &format!("CN={alias}"), "-ext", "bc:c"], PAIR)?;
            keys.tool(&["-exportcert", "-rfc", "-alias", alias, "-file", &file.display().to_string()], &[])?;
        }
        let server = ["-genkeypair", "-alias", "server", "-dname", "CN=server", "-signer", "authority"];
        keys.tool(&server, &[PAIR, &["-ext", "san=ip:127.0.0.1"]].concat())?;
        // A server shows one of the keys it has.
        for alias in ["authority", "stranger"] {
            keys.tool(&["-delete", "-alias", alias], &[])?;
        }
        Ok(keys)
    }

    /// The files of the authority that signed the certificate, and of the one that did not.
    pub(crate) fn authorities(&self) -> [&Path; 2] {
        [&self.authority, &self.stranger]
    }

    fn tool(&self, arguments: &[&str], more: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new("keytool");
        command.args(arguments).args(more).args(["-storepass", PASSWORD, "-keystore"]).arg(&self.store);
        let output = command.output().context("cannot run keytool, which Java brings")?;
        if !output.status.success() {
            bail!("{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
        }
        Ok(())
    }
}

const PAIR: &[&str] = &["-keyalg", "EC", "-groupname", "secp256r1", "-validity", "7"];
