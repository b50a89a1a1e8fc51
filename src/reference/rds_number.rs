//! Which number the activation wizard of Remote Desktop Services wants: a pure rule.
//!
//! S000, WSD rds-install-cals (DOMAIN §1): the programme is the License ID's; Open License gives its
//! authorization number, MPSA its purchase account number, all others the number of the agreement.
//! That is the License ID itself where the programme's orderable level is the agreement (Open Value;
//! DOMAIN §1, hierarchy), else the agreement above it.

use crate::contracts::model::Contract;

/// The number of a License ID, or what has to be recorded first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// What the number is called.
    pub name: &'static str,
    /// The number; empty where it isn't recorded.
    pub value: String,
    /// The column of a contract file that brings it.
    pub column: &'static str,
    /// What to watch out for.
    pub caution: &'static str,
}

/// The number for a License ID.
pub fn number(contract: &Contract) -> Number {
    match contract.program.as_str() {
        "Open License" => Number {
            name: "Authorization number",
            value: contract.authorization_number.clone(),
            column: "Authorization number",
            caution: "The wizard calls it agreement number all the same. The License ID itself is another number.",
        },
        "MPSA" => Number {
            name: "Purchase account number",
            value: contract.purchase_account_number.clone(),
            column: "Purchase account number",
            caution: "Not the number of the MPSA agreement.",
        },
        "Open Value" | "Open Value Subscription" => Number {
            name: "Agreement number",
            value: contract.license_id.clone(),
            column: "Parent agreement",
            caution: "Under this programme the License ID is the agreement.",
        },
        _ => Number {
            name: "Agreement number",
            value: contract.agreement.clone(),
            column: "Parent agreement",
            caution: "The agreement above the License ID, not the License ID.",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(program: &str) -> Number {
        number(&Contract {
            id: uuid::Uuid::nil(),
            license_id: "V6219054".into(),
            organization: String::new(),
            parents: Vec::new(),
            location: String::new(),
            program: program.into(),
            agreement_type: String::new(),
            agreement: "4E61138".into(),
            mbsa: String::new(),
            authorization_number: "64460732ZZE0543".into(),
            purchase_account_number: "6420300046".into(),
            starts_on: None,
            ends_on: None,
            status: "Active".into(),
            roles: Vec::new(),
        })
    }

    #[test]
    fn s000_open_license_gives_its_authorization_number() {
        assert_eq!(
            (of("Open License").name, of("Open License").value.as_str()),
            ("Authorization number", "64460732ZZE0543")
        );
    }

    #[test]
    fn s000_mpsa_gives_its_purchase_account_number_not_the_agreements() {
        assert_eq!((of("MPSA").name, of("MPSA").value.as_str()), ("Purchase account number", "6420300046"));
    }

    #[test]
    fn wsd_others_give_the_number_of_the_agreement() {
        for program in ["Enterprise", "Enterprise Subscription", "Select Plus", "Campus", ""] {
            assert_eq!(of(program).value, "4E61138", "{program}");
        }
        assert_eq!(of("Open Value").value, "V6219054", "the License ID is the agreement");
    }
}
