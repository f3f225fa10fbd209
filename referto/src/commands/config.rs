//! `referto config`: every setting, its default and meaning, and what is in force.

use serde_json::json;

use super::print;
use crate::{
    cli::{Common, DONE, Failure},
    settings::{KEYS, Settings, Values},
};

pub(super) fn run(common: &Common, values: &Values) -> Result<u8, Failure> {
    let rows = KEYS.iter().map(|key| {
        let (value, origin) = values.get(key);
        let shown = if key.secret && !value.is_empty() { "(secret)" } else { value };
        (key, shown.to_owned(), origin.to_string())
    });
    if common.json {
        let settings: Vec<_> = rows
            .map(|(key, value, origin)| {
                json!({"name": key.name, "value": value, "from": origin, "default": key.default, "meaning": key.meaning})
            })
            .collect();
        print(&format!("{}\n", json!({ "settings": settings })))?;
    } else {
        let mut text = String::new();
        for (key, value, origin) in rows {
            text += &format!(
                "# {}\n# environment REFERTO_{}, default {:?}\n{} = {:?}  # from: {origin}\n\n",
                key.meaning,
                key.name.to_ascii_uppercase().replace('.', "__"),
                key.default,
                key.name,
                value
            );
        }
        print(&text)?;
    }
    // What is shown may still be what 'run' would refuse.
    Settings::of(values).map(|_| DONE).map_err(Failure::usage)
}
