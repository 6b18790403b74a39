//! The operating system's random numbers.

use auth_domain::Entropy;
use rand::TryRng;
use rand::rngs::SysRng;

/// Asks the operating system each time; nothing is predicted from what came before.
#[derive(Debug, Clone, Copy)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::expect_used, reason = "without random numbers nothing here is safe")]
    fn fill(&self, bytes: &mut [u8]) {
        SysRng
            .try_fill_bytes(bytes)
            .expect("the operating system has random numbers; without them nothing here is safe");
    }
}
