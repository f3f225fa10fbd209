//! The data folder: who holds it, and the installation's key.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

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
        if let Some(key) = given {
            return Ok(key);
        }
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
        // Whole under its name or not there: a name that a crash left half written would name every upload anew.
        let unfinished = self.path("secret.key.new");
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&unfinished)?;
        file.write_all(&key)?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        File::open(&self.0)?.sync_all()?;
        Ok(key)
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
    fn the_key_is_made_once_and_a_given_one_beats_it() {
        let path = tempfile::tempdir().unwrap();
        let folder = Folder::open(path.path()).unwrap();
        let made = folder.secret_key(None).unwrap();
        assert_eq!(folder.secret_key(None).unwrap(), made);
        assert_eq!(folder.secret_key(Some([7; 32])).unwrap(), [7; 32]);
    }
}
