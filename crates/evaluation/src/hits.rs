//! How often the truth came first.

/// Shares of one case's repetitions (noise seeds, node salts) in which the truth came first, among
/// three, among ten.
pub type Hits = [f64; 3];
