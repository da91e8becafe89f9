# Writes the test cohort: people.tsv (phenotypes) and genotypes.tsv (one column per variant, alternate-allele dosage).
#
#   Rscript make.R        (R 4.2.2)
set.seed(20240117)
n <- 400
age <- round(rnorm(n, 57, 11), 1)
arm <- sample(1:2, n, TRUE, c(0.45, 0.55))
pc <- round(rnorm(n), 5)
frequency <- c(0.5, 0.4, 0.31, 0.25, 0.2, 0.17, 0.14, 0.11, 0.09, 0.07, 0.05, 0.04, 0.03, 0.6, 0.75, 0.9,
               0.35, 0.28, 0.22, 0.45, 0.12, 0.15, 0.33, 0.08, 0.5)
g <- sapply(frequency, function(f) rbinom(n, 2, f))
ldl <- round(3.2 + 0.014 * age + 0.11 * arm + 0.2 * pc + 0.5 * g[, 3] - 0.3 * g[, 8] + rnorm(n, 0, 0.8), 4)
odds <- -2.6 + 0.02 * (age - 57) + 0.5 * arm + 0.9 * g[, 4] + 0.35 * g[, 10] + 0.3 * pc
t2d <- rbinom(n, 1, plogis(odds))
# Calls missing in one person, in a few, in many; and for one half of the people altogether.
g[17, 18] <- NA
for (v in 19:22) g[sample(n, c(3, 20, 60, 140)[v - 18]), v] <- NA
g[1:200, 23] <- NA
# Refused: equal to a covariate; nearly so; nobody carries it; carried by cases only.
g <- cbind(g, arm - 1, ifelse(seq_len(n) == 5, 2 - (arm - 1), 2 * (arm - 1)), 0, 0)
g[sample(which(t2d == 1), 9), 29] <- 1
ldl[c(3, 77, 210)] <- NA
age[c(90, 301)] <- NA
t2d[c(11, 12)] <- NA
people <- data.frame(id = sprintf("p%03d", seq_len(n)), age, arm, pc, ldl, t2d)
colnames(g) <- sprintf("v%02d", seq_len(ncol(g)))
write.table(people, "people.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
write.table(g, "genotypes.tsv", sep = "\t", quote = FALSE, row.names = FALSE)
