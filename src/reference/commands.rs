//! The lines that one types to install a key and activate: the vendor's own scripts, nothing else.

/// A line, and what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What it does.
    pub what: &'static str,
    /// The line.
    pub line: String,
}

fn command(what: &'static str, line: impl Into<String>) -> Command {
    Command { what, line: line.into() }
}

/// Stands where a key has to be put in that no page shows.
pub const YOUR_KEY: &str = "XXXXX-XXXXX-XXXXX-XXXXX-XXXXX";

/// A KMS client, with the setup key of its edition or [`YOUR_KEY`].
pub fn kms_client(key: &str, office: bool) -> Vec<Command> {
    if office {
        return ospp(["cscript ospp.vbs /inpkey:", key].concat(), "Install the setup key, in Office’s program folder");
    }
    vec![
        command("Install the setup key of the edition", ["slmgr /ipk ", key].concat()),
        command("Let the machine find its host by DNS", "slmgr /ckms"),
        command("Activate now", "slmgr /ato"),
        command("See whether it worked, and until when", "slmgr /dlv"),
    ]
}

/// A machine that activates with a MAK by itself.
pub fn mak(office: bool) -> Vec<Command> {
    if office {
        return ospp(["cscript ospp.vbs /inpkey:", YOUR_KEY].concat(), "Install the MAK, in Office’s program folder");
    }
    vec![
        command("Install the MAK", ["slmgr /ipk ", YOUR_KEY].concat()),
        command("Activate online", "slmgr /ato"),
        command("See whether it worked", "slmgr /dlv"),
    ]
}

fn ospp(install: String, what: &'static str) -> Vec<Command> {
    vec![
        command(what, install),
        command("Activate now", "cscript ospp.vbs /act"),
        command("See whether it worked", "cscript ospp.vbs /dstatus"),
    ]
}

/// Extended Security Updates: an activation of its own beside that of Windows.
pub fn esu() -> Vec<Command> {
    vec![
        command("Install the ESU MAK", ["slmgr /ipk ", YOUR_KEY].concat()),
        command("Read the activation ID of the ESU entry", "slmgr /dlv all"),
        command("Activate that entry", "slmgr /ato <activation ID>"),
    ]
}

/// A machine without a way to the vendor, by telephone.
pub fn by_telephone(office: bool) -> Vec<Command> {
    if office {
        return vec![
            command("Install the MAK, in Office’s program folder", ["cscript ospp.vbs /inpkey:", YOUR_KEY].concat()),
            command("Read the installation ID, to be told to the activation centre", "cscript ospp.vbs /dinstid"),
            command("Enter the confirmation ID it answers with", "cscript ospp.vbs /actcid:<confirmation ID>"),
        ];
    }
    vec![
        command("Install the MAK", ["slmgr /ipk ", YOUR_KEY].concat()),
        command("Read the installation ID, to be told to the activation centre", "slmgr /dti"),
        command("Enter the confirmation ID it answers with", "slmgr /atp <confirmation ID>"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DOMAIN §4: S002's `/skms auto` is no command; a confirmation ID comes by telephone only.
    #[test]
    fn s002_commands_are_the_ones_that_there_are() {
        let lines = |commands: Vec<Command>| commands.into_iter().map(|command| command.line).collect::<Vec<_>>();
        assert_eq!(lines(kms_client("KEY", false)), ["slmgr /ipk KEY", "slmgr /ckms", "slmgr /ato", "slmgr /dlv"]);
        assert_eq!(lines(kms_client("KEY", true))[0], "cscript ospp.vbs /inpkey:KEY");
        for commands in [mak(false), mak(true), esu()] {
            assert!(!lines(commands).iter().any(|line| line.contains("confirmation")));
        }
        assert!(lines(by_telephone(false)).contains(&"slmgr /dti".to_owned()));
    }
}
