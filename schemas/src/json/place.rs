//! Where in a report the reader stands. A place is a chain on the stack: pointer and code are written for a fault only.

/// How the codes of an object's fields begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Naming {
    /// By themselves: `birth-date`.
    Alone,
    /// With the object's name: `observation-code`.
    Within(&'static str),
    /// With the object's name where theirs is one word: `specimen-id`, but `collected-at`.
    Short(&'static str),
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Root,
    Name(&'p str),
    Index(usize),
}

/// A place in a report.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    parent: Option<&'p Place<'p>>,
    step: Step<'p>,
    naming: Naming,
}

impl<'p> Place<'p> {
    pub(super) fn root(naming: Naming) -> Self {
        Self { parent: None, step: Step::Root, naming }
    }

    /// The member `name` of the object here, whose fields are named by `naming`.
    pub(super) fn member<'q>(&'q self, name: &'q str, naming: Naming) -> Place<'q> {
        Place { parent: Some(self), step: Step::Name(name), naming }
    }

    /// An element of the list here; `word` is one of them in words.
    pub(super) fn element(&'p self, index: usize, word: &'static str) -> Place<'p> {
        Place { parent: Some(self), step: Step::Index(index), naming: Naming::Within(word) }
    }

    /// The field's name; none for the report itself and for an element.
    pub(super) fn name(&self) -> &'p str {
        match self.step {
            Step::Name(name) => name,
            Step::Root | Step::Index(_) => "",
        }
    }

    /// The JSON pointer (RFC 6901).
    pub(super) fn pointer(&self) -> String {
        let mut steps = Vec::new();
        let mut place = Some(self);
        while let Some(Place { parent, step, .. }) = place {
            match step {
                Step::Root => {}
                Step::Name(name) => steps.push(name.replace('~', "~0").replace('/', "~1")),
                Step::Index(index) => steps.push(index.to_string()),
            }
            place = *parent;
        }
        steps.iter().rev().fold(String::new(), |pointer, step| pointer + "/" + step)
    }

    /// The first part of the code of a fault here.
    pub(super) fn code(&self) -> String {
        let Step::Name(name) = self.step else {
            return match self.naming {
                Naming::Within(word) | Naming::Short(word) => word.to_owned(),
                Naming::Alone => "report".to_owned(),
            };
        };
        let kebab = kebab(name);
        match self.naming {
            Naming::Within(object) => format!("{object}-{kebab}"),
            Naming::Short(object) if !kebab.contains('-') => format!("{object}-{kebab}"),
            Naming::Short(_) | Naming::Alone => kebab,
        }
    }
}

fn kebab(name: &str) -> String {
    name.chars().fold(String::new(), |mut kebab, letter| {
        if letter.is_ascii_uppercase() {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
        kebab
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_pointers_name_the_field() {
        let root = Place::root(Naming::Alone);
        let specimen = root.member("specimen", Naming::Alone);
        let observations = root.member("observations", Naming::Alone);
        let first = observations.element(0, "observation");
        let cases = [
            (root, "", "report"),
            (specimen, "/specimen", "specimen"),
            (root.member("issuedAt", Naming::Alone), "/issuedAt", "issued-at"),
            (specimen.member("id", Naming::Short("specimen")), "/specimen/id", "specimen-id"),
            (specimen.member("collectedAt", Naming::Short("specimen")), "/specimen/collectedAt", "collected-at"),
            (first, "/observations/0", "observation"),
            (
                first.member("valueCode", Naming::Within("observation")),
                "/observations/0/valueCode",
                "observation-value-code",
            ),
            (root.member("a/b~c", Naming::Alone), "/a~1b~0c", "a/b~c"),
        ];
        for (place, pointer, code) in cases {
            assert_eq!((place.pointer().as_str(), place.code().as_str()), (pointer, code));
        }
    }
}
