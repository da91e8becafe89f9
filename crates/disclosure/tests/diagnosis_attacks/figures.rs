//! How well an attacker's scores tell two groups apart.

/// Scores of members (true) and others (false); higher says member.
#[derive(Default)]
pub struct Scores {
    members: Vec<f64>,
    others: Vec<f64>,
}

impl Scores {
    pub fn push(&mut self, score: f64, is_member: bool) {
        if is_member {
            self.members.push(score)
        } else {
            self.others.push(score)
        }
    }

    /// The chance that a member scores higher than another; ties count half (Mann-Whitney).
    pub fn auc(&self) -> f64 {
        let mut others = self.others.clone();
        others.sort_by(f64::total_cmp);
        let below = |score: f64| {
            let lower = others.partition_point(|other| *other < score);
            let same = others.partition_point(|other| *other <= score) - lower;
            lower as f64 + same as f64 / 2.0
        };
        let sum: f64 = self.members.iter().map(|score| below(*score)).sum();
        sum / (self.members.len() * self.others.len()) as f64
    }

    /// The share of members above the score that at most `rate` of the others exceed.
    pub fn true_positives_at(&self, rate: f64) -> f64 {
        let mut others = self.others.clone();
        others.sort_by(|a, b| b.total_cmp(a));
        let allowed = (rate * others.len() as f64).floor() as usize;
        let Some(limit) = others.get(allowed) else {
            return 1.0;
        };
        share(
            self.members.iter().filter(|score| *score > limit).count(),
            self.members.len(),
        )
    }
}

pub fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}
