//! The random numbers of the operating system.

use auth_domain::Entropy;
use rand::TryRng;
use rand::rngs::SysRng;

/// Calls the operating system each time, so that no state in memory predicts the next bytes.
#[derive(Debug, Clone, Copy)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::expect_used, reason = "without random numbers nothing here is safe")]
    fn fill(&self, bytes: &mut [u8]) {
        SysRng.try_fill_bytes(bytes).expect("without random numbers, no id or secret is safe");
    }
}
