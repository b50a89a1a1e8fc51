//! Where one can go from a License ID: its row's menu and its panel.

use crate::auth::roles::{Permission, Role};
use crate::web::view::Address;

/// An entry of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What it says.
    pub label: &'static str,
    /// Where it leads.
    pub href: String,
    /// Its icon.
    pub icon: &'static str,
    /// Whether it opens beside the list.
    pub panel: bool,
}

/// The licence summary, orders and people of a License ID, as far as the roles on it go.
#[must_use]
pub fn elsewhere(license_id: &str, roles: &[Role]) -> Vec<Action> {
    let may = |permission| roles.iter().any(|role: &Role| role.may(permission));
    let to = |path: &str| Address::new(path).with("license_id", license_id).href();
    let action = |label, path, icon| Action { label, href: to(path), icon, panel: false };
    let mut actions = Vec::new();
    if may(Permission::ReadPosition) {
        actions.push(action("Licence summary", "/contracts/summary", "file"));
        actions.push(action("Orders", "/orders", "cart"));
    }
    if may(Permission::Administer) {
        actions.push(action("People with roles", "/people", "people"));
    }
    actions
}

/// The whole menu of a row; `panel` is the row's panel, with a list behind it.
#[must_use]
pub fn of_row(license_id: &str, roles: &[Role], panel: &Address) -> Vec<Action> {
    let tab = |label, tab, icon| Action { label, href: panel.clone().with("tab", tab).href(), icon, panel: true };
    let mut actions = vec![tab("Details", "offerings", "info"), tab("View product keys", "keys", "key")];
    actions.extend(elsewhere(license_id, roles));
    actions
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DOMAIN §1, "Contracts" (the row's menu) and "Roles" (who may what of it).
    #[test]
    fn view_vl_contracts_row_menu_goes_by_the_roles() {
        let labels = |role: Role| -> Vec<&str> {
            of_row("8671204", &[role], &Address::new("/contracts/8671204")).iter().map(|one| one.label).collect()
        };
        let all = ["Details", "View product keys", "Licence summary", "Orders", "People with roles"];
        assert_eq!(labels(Role::Administrator), all);
        assert_eq!(labels(Role::LicensePositionReader), all[..4]);
        assert_eq!(labels(Role::ProductKeysReader), all[..2]);
        assert_eq!(labels(Role::ProductDownloadManager), all[..2]);
    }

    #[test]
    fn an_action_keeps_the_list_behind_the_panel() {
        let panel = Address::new("/contracts/A%26B").with("q", "x");
        let actions = of_row("A&B", &[Role::Administrator], &panel);
        assert_eq!(actions[1].href, "/contracts/A%26B?q=x&tab=keys");
        assert_eq!(actions[2].href, "/contracts/summary?license_id=A%26B");
    }
}
