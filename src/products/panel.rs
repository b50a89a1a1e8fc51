//! `/products/{slug}`: the side panel of a product; the list stands behind it.
use super::{about::About, downloads::tab::Downloads};
use crate::keys::model::Standing;
use crate::web::view::{Address, KeyList, Tab, product_path};

/// Which tab of the panel is open: the `tab` of the address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProductTab {
    /// What it is.
    About,
    /// Files to install it from.
    Downloads,
    /// Its keys; the one that opens first.
    #[default]
    Keys,
}

impl ProductTab {
    /// Reads the address's `tab`; anything unknown opens the first one.
    #[must_use]
    pub fn parse(tab: &str) -> Self {
        match tab {
            "about" => Self::About,
            "downloads" => Self::Downloads,
            _ => Self::Keys,
        }
    }
}

/// The panel, shown by [`super::list::ProductsPage`].
#[derive(Clone, Debug)]
pub struct ProductPanel {
    /// The product's slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// The list to go back to.
    pub list: Address,
    /// The open tab.
    pub tab: ProductTab,
    /// What the product is.
    pub about: About,
    /// How many keys the person may see, of the standing that the list is narrowed to.
    pub key_count: u64,
    /// What the keys are narrowed to.
    pub standing: Option<Standing>,
    /// The keys, when their tab is open.
    pub keys: Option<KeyList>,
    /// The files, when their tab is open.
    pub downloads: Option<Downloads>,
}

impl ProductPanel {
    /// Its page, without the list behind it.
    #[must_use]
    pub fn path(&self) -> String {
        product_path(&self.slug)
    }

    /// The tabs, each an address of its own that keeps the list behind it.
    #[must_use]
    pub fn tabs(&self) -> [Tab; 3] {
        let at = |tab: &str| self.list.clone().at(product_path(&self.slug)).with("tab", tab).href();
        let tab = |label, name, count, which| Tab { label, count, href: at(name), current: self.tab == which };
        [
            tab("Keys", "keys", Some(self.key_count), ProductTab::Keys),
            tab("Downloads", "downloads", None, ProductTab::Downloads),
            tab("About", "about", None, ProductTab::About),
        ]
    }

    /// The panel with all keys, where they are narrowed.
    #[must_use]
    pub fn all_keys(&self) -> Option<(&'static str, String)> {
        let href = self.list.clone().without("keys").at(product_path(&self.slug)).with("tab", "keys").href();
        self.standing.map(|standing| (standing.label(), href))
    }

    /// Whether a day for a key wasn't one: its form stands open.
    #[must_use]
    pub fn day_wrong(&self) -> bool {
        self.about.esu.as_ref().is_some_and(|esu| esu.days.iter().any(|day| day.error.is_some()))
    }
}

#[cfg(test)]
impl ProductPanel {
    /// A product with keys of every kind of remark.
    pub fn sample(tab: ProductTab) -> Self {
        let keys = (tab == ProductTab::Keys).then(crate::web::view::KeyList::sample);
        Self {
            slug: "windows-11-pro".into(),
            name: "Windows 11 Pro".into(),
            list: Address::new("/products"),
            tab,
            about: About::sample(),
            key_count: 24,
            standing: None,
            keys,
            downloads: (tab == ProductTab::Downloads).then(Downloads::sample),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tabs_keep_the_list_behind_the_panel() {
        let list = Address::new("/products").with("q", "win").with("page", "2");
        let panel = ProductPanel { list, ..ProductPanel::sample(ProductTab::About) };
        let tabs = panel.tabs();
        assert_eq!(tabs[0].href, "/products/windows-11-pro?q=win&page=2&tab=keys");
        assert!(tabs[2].current && !tabs[0].current);
    }

    #[test]
    fn an_unknown_tab_opens_the_keys() {
        assert_eq!(ProductTab::parse("about"), ProductTab::About);
        assert_eq!(ProductTab::parse("nonsense"), ProductTab::Keys);
    }
}
