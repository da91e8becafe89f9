# Writes linear.tsv, wald.tsv and score.tsv from the cohort in ../data, one refitted model per variant.
#
#   Rscript oracle.R      (R 4.2.2)
people <- read.delim("../data/people.tsv")
genotypes <- read.delim("../data/genotypes.tsv")
tight <- glm.control(epsilon = 1e-15, maxit = 100)
number <- function(x) trimws(formatC(x, digits = 15, format = "g"))

linear <- function(g) {
  fit <- lm(ldl ~ age + arm + pc + g, people)
  row <- summary(fit)$coefficients["g", ]
  c(nobs(fit), number(row[c(1, 2, 4)]))
}
wald <- function(g) {
  fit <- glm(t2d ~ age + arm + pc + g, binomial, people, control = tight)
  row <- summary(fit)$coefficients["g", ]
  c(nobs(fit), number(row[c(1, 2, 4)]))
}
# Rao's test; z has the sign of the estimate.
score <- function(g) {
  called <- people[complete.cases(people[c("age", "arm", "pc", "t2d")], g), ]
  called$g <- g[complete.cases(people[c("age", "arm", "pc", "t2d")], g)]
  null <- glm(t2d ~ age + arm + pc, binomial, called, control = tight)
  full <- glm(t2d ~ age + arm + pc + g, binomial, called, control = tight)
  rao <- anova(null, full, test = "Rao")$Rao[2]
  c(nrow(called), number(c(sign(coef(full)["g"]) * sqrt(rao), pchisq(rao, 1, lower.tail = FALSE))))
}
report <- function(file, columns, variants, compute) {
  header <- sprintf("# Rscript oracle.R (%s)", R.version.string)
  rows <- sapply(variants, function(v) paste(c(v, compute(genotypes[[v]])), collapse = "\t"))
  writeLines(c(header, paste(c("variant", columns), collapse = "\t"), rows), file)
}
tested <- sprintf("v%02d", 1:25)
report("linear.tsv", c("n", "beta", "standard_error", "p_value"), tested, linear)
report("wald.tsv", c("n", "beta", "standard_error", "p_value"), tested, wald)
report("score.tsv", c("n", "z", "p_value"), tested, score)
