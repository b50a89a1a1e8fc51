//! What events are called on a page. A code that isn't here is shown as it stands: an older log may
//! hold what this program no longer does.

/// Codes and their words, in the order of the filter.
pub const ACTIONS: [(&str, &str); 92] = [
    ("key.reveal", "Key revealed"),
    ("key.copy", "Key copied"),
    ("keys.export", "Keys exported"),
    ("contracts.export", "Contracts exported"),
    ("summary.export", "Licence summary exported"),
    ("orders.export", "Orders exported"),
    ("audit.export", "Audit log exported"),
    ("import.stage", "File uploaded"),
    ("import.apply", "File imported"),
    ("import.replan", "Upload read again"),
    ("import.discard", "Upload discarded"),
    ("download.begin", "Download begun"),
    ("download.add", "File to download added"),
    ("download.remove", "File to download removed"),
    ("download.restore", "File to download brought back"),
    ("esu.day", "Day of an ESU year set"),
    ("key.day", "Day of a key set"),
    ("contract.change", "License ID changed by hand"),
    ("key.change", "Key’s note, owner or place changed"),
    ("key.reading", "Count read in by hand"),
    ("order.change", "Order changed by hand"),
    ("contact.change", "Contact changed by hand"),
    ("organization.change", "Organisation changed by hand"),
    ("agreement.change", "Parent agreement changed by hand"),
    ("product.change", "Product changed by hand"),
    ("grant.add", "Role given"),
    ("grant.change", "Role’s last day changed"),
    ("grant.revoke", "Role taken away"),
    ("grant-rule.add", "Role given on many License IDs"),
    ("grant-rule.change", "Last day changed on many License IDs"),
    ("grant-rule.revoke", "Role taken away on many License IDs"),
    ("access.setting", "Names of Administrators shown or hidden"),
    ("leaver.export", "Leaver sheet exported"),
    ("request.again", "Access asked for again"),
    ("request.draft", "Request drafted"),
    ("request.change", "Draft of a request changed"),
    ("request.submit", "Request submitted"),
    ("request.ask", "Question about a request"),
    ("request.answer", "Question answered"),
    ("request.approve", "Request approved"),
    ("request.decline", "Request declined"),
    ("request.send", "Request sent to the vendor"),
    ("request.refuse", "Request declined by the vendor"),
    ("request.close", "Request done: total read back"),
    ("request.withdraw", "Request withdrawn"),
    ("request.comment", "Request commented"),
    ("request.file", "File attached to a request"),
    ("request.due", "Request’s day changed"),
    ("request.reading", "Count read back"),
    ("request.setting", "Second person for requests switched"),
    ("view.save", "View saved"),
    ("view.rename", "Saved view renamed"),
    ("view.move", "Saved view moved"),
    ("view.delete", "Saved view deleted"),
    ("view.restore", "Saved view brought back"),
    ("person.add", "Account made"),
    ("person.disable", "Account disabled"),
    ("person.enable", "Account enabled"),
    ("person.change", "Account renamed"),
    ("person.password", "Password set by an operator"),
    ("password.change", "Password changed"),
    ("notice.read", "Notices read"),
    ("notice.choose", "Ways of notices chosen"),
    ("notice.send", "Notice sent to oneself"),
    ("notice.snooze", "Notice snoozed"),
    ("date.owner", "Who looks after a date"),
    ("webhook.set", "Webhook set"),
    ("webhook.end", "Webhook removed"),
    ("webhook.secret", "Webhook’s secret shown"),
    ("outbox.retry", "Outbox tried again"),
    ("session.begin", "Signed in"),
    ("session.confirm", "Password confirmed"),
    ("session.end", "Signed out"),
    ("session.end-others", "Other sessions ended"),
    ("application.add", "Own application registered"),
    ("application.close", "Own application closed or opened"),
    ("sku.add", "Edition registered"),
    ("sku.change", "Edition changed"),
    ("own-key.issue", "Own key issued"),
    ("own-key.block", "Own key blocked or unblocked"),
    ("own-key.limit", "Own key’s limit changed"),
    ("enrolment-code.add", "Enrolment code made"),
    ("enrolment-code.revoke", "Enrolment code taken back"),
    ("device.enrol", "Device enrolled"),
    ("device.revoke", "Device’s trust taken away"),
    ("activation.mak", "Machines activated by a key"),
    ("activation.carried", "Requests carried to the portal"),
    ("activation.confirmations", "Confirmations downloaded"),
    ("activation.host", "Host activated"),
    ("activation.host-refused", "Host refused"),
    ("post", "Form sent"),
    ("strangers", "Forms of strangers refused"),
];

/// The words for a code.
pub fn action(code: &str) -> &str {
    ACTIONS.iter().find(|(known, _)| *known == code).map_or(code, |(_, words)| words)
}

/// Who did something: a person by the address, or what the program did by itself. The last word of that is the code
/// of the log, so that the filter finds what is read here.
pub fn who(actor: String) -> String {
    match actor.strip_prefix("system:") {
        None => actor,
        Some("responder") => "Keyward’s responder".to_owned(),
        Some("strangers") => "Nobody signed in: strangers".to_owned(),
        Some(command) => ["Command line: ", command].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_action_is_shown_as_it_stands() {
        assert_eq!(action("key.reveal"), "Key revealed");
        assert_eq!(action("pool.refill"), "pool.refill");
    }

    #[test]
    fn what_the_program_did_has_a_name() {
        assert_eq!(who("ann@northwind.example".to_owned()), "ann@northwind.example");
        assert_eq!(who("system:responder".to_owned()), "Keyward’s responder");
        assert_eq!(who("system:import".to_owned()), "Command line: import");
    }
}
