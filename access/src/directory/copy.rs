//! The directory's copy on disk: hashes only, for its owner's eyes, replaced whole.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::Lab;

#[derive(Deserialize)]
struct Copy {
    labs: Vec<Lab>,
}

#[derive(Serialize)]
struct CopyRef<'a> {
    /// For whoever looks at the file; a start reads the store's own.
    revision: u64,
    labs: &'a [Lab],
}

/// The laboratories of the copy; none where there is no file.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<Lab>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice::<Copy>(&bytes)?.labs)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The copy's text.
pub(super) fn write_to_string(revision: u64, labs: &[Lab]) -> io::Result<String> {
    Ok(serde_json::to_string(&CopyRef { revision, labs })?)
}

/// Replaces the copy so that after a power cut there is the old one or the new one, whole.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::other("the copy has no folder"))?;
    let fresh = path.with_extension("new");
    // An earlier attempt may have left one, with whatever mode.
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    File::open(folder)?.sync_all()
}
