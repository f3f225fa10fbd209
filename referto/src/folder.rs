//! The data folder: who holds it, and the installation's key.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

/// A data folder that exists.
pub(crate) struct Folder(PathBuf);

/// One `run` at a time: held as long as this lives.
#[must_use]
pub(crate) struct Held(#[allow(dead_code, reason = "the lock goes with the file")] File);

impl Folder {
    /// Opens the folder, making it where it is not.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("cannot make the data folder {}", path.display()))?;
        Ok(Self(path.to_owned()))
    }

    /// A folder that was made before: a mistyped name is not made into one.
    pub(crate) fn existing(path: &Path) -> anyhow::Result<Self> {
        anyhow::ensure!(path.is_dir(), "there is no data folder {}: give the one of 'referto run'", path.display());
        Ok(Self(path.to_owned()))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Takes the folder for this process, or says who has it.
    pub(crate) fn hold(&self) -> anyhow::Result<Held> {
        let path = self.path("lock");
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder)?;
                anyhow::bail!(
                    "the data folder {} is held by another referto ({}): one at a time; stop it, or give another --data",
                    self.0.display(),
                    holder.trim()
                );
            }
            Err(TryLockError::Error(error)) => return Err(error).context(format!("cannot lock {}", path.display())),
        }
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "process {}", std::process::id())?;
        Ok(Held(file))
    }

    /// The installation's key: as given, else the folder's own, made at the first start.
    pub(crate) fn secret_key(&self, given: Option<[u8; 32]>) -> anyhow::Result<[u8; 32]> {
        let key = match given {
            Some(key) => key,
            None => self.own_key()?,
        };
        self.check_key(&key)?;
        Ok(key)
    }

    /// A key that is another than the folder's data was made with names every upload and every person anew.
    fn check_key(&self, key: &[u8; 32]) -> anyhow::Result<()> {
        let path = self.path("secret.check");
        let check = Sha256::digest([b"referto secret.check".as_slice(), key].concat());
        match fs::read(&path) {
            Ok(kept) if kept == check.as_slice() => Ok(()),
            Ok(_) => anyhow::bail!(
                "the installation's key is not the one that {} was made with: every retry would become another \
                 upload. Give the right secret_key, or another --data",
                self.0.display()
            ),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => self.write_whole("secret.check", &check),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    fn own_key(&self) -> anyhow::Result<[u8; 32]> {
        let path = self.path("secret.key");
        match fs::read(&path) {
            Ok(bytes) => {
                return bytes
                    .try_into()
                    .map_err(|_| anyhow::anyhow!("{} is not 32 bytes: restore it from your backup", path.display()));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
        self.write_whole("secret.key", &key)?;
        Ok(key)
    }

    /// Whole under its name or not there, whenever the power goes.
    fn write_whole(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let unfinished = self.path(&format!("{name}.new"));
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, self.path(name))?;
        File::open(&self.0)?.sync_all()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_holds_the_folder_and_the_second_is_told_who() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Folder::open(folder.path()).unwrap();
        let held = folder.hold().unwrap();
        let refused = folder.hold().err().unwrap().to_string();
        assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
        drop(held);
        let _again = folder.hold().unwrap();
    }

    #[test]
    fn the_key_is_made_once_and_kept() {
        let path = tempfile::tempdir().unwrap();
        let folder = Folder::open(path.path()).unwrap();
        let made = folder.secret_key(None).unwrap();
        assert_eq!(folder.secret_key(None).unwrap(), made);
        assert_eq!(folder.secret_key(Some(made)).unwrap(), made);
    }

    #[test]
    fn a_key_that_the_folder_was_not_made_with_is_refused() {
        let path = tempfile::tempdir().unwrap();
        let folder = Folder::open(path.path()).unwrap();
        assert_eq!(folder.secret_key(Some([7; 32])).unwrap(), [7; 32]);
        assert!(folder.secret_key(Some([8; 32])).is_err() && folder.secret_key(None).is_err());
    }
}
