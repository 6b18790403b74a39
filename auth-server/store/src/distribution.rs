//! The port to the distribution of a database over several servers.

use async_trait::async_trait;

use super::StoreError;

/// Distributes the tables of a store over several database servers, by user.
#[async_trait]
pub trait Distribution: Send + Sync + 'static {
    /// Where the tables are now.
    async fn layout(&self) -> Result<Layout, StoreError>;

    /// What [`distribute`](Self::distribute) would do. Changes nothing.
    ///
    /// # Errors
    /// As [`distribute`](Self::distribute).
    async fn plan_distribution(&self) -> Result<DistributionPlan, StoreError>;

    /// Distributes the tables that are not distributed yet, all in one transaction. Returns what it did.
    ///
    /// # Errors
    /// [`StoreError::Unsuitable`] with a remedy, for example if the store cannot be distributed or a server of this
    /// program is connected. [`StoreError::NotMigrated`] if migrations are missing. [`StoreError::Unavailable`] if a
    /// node does not answer.
    async fn distribute(&self) -> Result<DistributionPlan, StoreError>;
}

/// Where the tables of a store are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// All tables are on one server.
    OneServer,
    /// They are distributed over several servers, by user.
    Distributed,
}

/// Whether concurrent refreshes share a statement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RefreshBatching {
    /// If all tables are on one server, not in a distributed database.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

impl RefreshBatching {
    /// Whether refreshes share statements in a database with this layout. A statement over several servers commits on
    /// each, which takes longer than the statements that it saves.
    pub fn applies(self, layout: Layout) -> bool {
        match self {
            Self::Auto => layout == Layout::OneServer,
            Self::On => true,
            Self::Off => false,
        }
    }
}

/// What to do for a distributed database, or what was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistributionPlan {
    /// The servers that hold data, as `HOST:PORT`.
    pub nodes: Vec<String>,
    /// Every table of the store.
    pub tables: Vec<TablePlan>,
}

/// What to do for one table, or what was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TablePlan {
    /// The table.
    pub table: &'static str,
    /// Where its rows belong.
    pub placement: Placement,
    /// Whether they were there already.
    pub done: bool,
}

/// Where the rows of a table belong in a distributed database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// Each row is on the server that the value of this column determines.
    By(&'static str),
    /// Every server has a copy of all rows.
    Everywhere,
    /// Every server has a table of its own.
    PerServer,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refreshes_are_batched_on_one_server_unless_a_setting_says_otherwise() {
        let table = [
            (RefreshBatching::Auto, Layout::OneServer, true),
            (RefreshBatching::Auto, Layout::Distributed, false),
            (RefreshBatching::On, Layout::OneServer, true),
            (RefreshBatching::On, Layout::Distributed, true),
            (RefreshBatching::Off, Layout::OneServer, false),
            (RefreshBatching::Off, Layout::Distributed, false),
        ];
        for (setting, layout, batched) in table {
            assert_eq!(setting.applies(layout), batched, "{setting:?} on {layout:?}");
        }
    }
}
