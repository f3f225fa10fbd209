//! The README's commands, run as it has them.

use anyhow::Context as _;

use xtask::step::Step;

/// The demo, as the README tells newcomers to start it.
pub(crate) fn demo() -> anyhow::Result<Step> {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md"))?;
    let line = demo_line(&readme).context("the README has no line that starts the demo")?;
    Ok(Step::shell("the README's demo", line))
}

fn demo_line(readme: &str) -> Option<&str> {
    let blocks = readme.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(str::lines).find(|line| line.contains(" demo "))
}

#[cfg(test)]
mod tests {
    use super::demo_line;

    #[test]
    fn the_first_shell_line_with_a_demo_is_it() {
        assert_eq!(demo_line("a demo b\n```sh\nx demo --once\n```\n"), Some("x demo --once"));
        assert_eq!(demo_line("```json\nx demo y\n```\n"), None);
    }
}
