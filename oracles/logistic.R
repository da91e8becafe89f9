# Rscript logistic.R glm|rao WORK_DIR: one line per variant of WORK_DIR/KIND.raw, on standard output.
# KIND.raw is plink2's --export A, whose dosages count the reference allele; 2 - dosage counts the alternate one.
arguments <- commandArgs(trailingOnly = TRUE)
kind <- arguments[1]
work <- arguments[2]
people <- read.delim(file.path(work, "pooled.phenotypes.tsv"), comment.char = "", check.names = FALSE)
raw <- read.delim(file.path(work, paste0(kind, ".raw")), check.names = FALSE)
people <- people[match(raw$IID, people$`#IID`), ]
exactly <- glm.control(epsilon = 1e-12, maxit = 50)

wald <- function(data) {
  fit <- coef(summary(glm(t2d ~ sex + age + bmi + g, binomial, data, control = exactly)))["g", ]
  c(beta = fit[[1]], se = fit[[2]], p = fit[[4]])
}

# S = sum g (y - mu) and V = g'Wg - g'WC (C'WC)^-1 C'Wg of the null model; Rao's statistic is S^2 / V. R's own takes
# its weights from the last iteration but one, so one more iteration is asked for than glm's epsilon would need.
once_more <- glm.control(epsilon = 1e-15, maxit = 50)
score <- function(data) {
  null <- glm(t2d ~ sex + age + bmi, binomial, data, control = once_more)
  full <- glm(t2d ~ sex + age + bmi + g, binomial, data, control = once_more)
  rao <- anova(null, full, test = "Rao")
  weight <- null$fitted.values * (1 - null$fitted.values)
  residual <- lm.wfit(model.matrix(null), data$g, weight)$residuals
  variance <- sum(weight * residual^2)
  beta <- sum(data$g * (data$t2d - null$fitted.values)) / variance
  stopifnot(abs(beta^2 * variance / rao$Rao[2] - 1) < 1e-8)
  c(beta = beta, se = 1 / sqrt(variance), p = rao$`Pr(>Chi)`[2])
}

# glm's standard errors come from the last iteration but one and hold seven digits or so.
digits <- if (kind == "glm") "%.9g" else "%.12g"
cat("id\tbeta\tse\tp\tn\n")
for (column in names(raw)[-(1:6)]) {
  data <- data.frame(people[c("t2d", "sex", "age", "bmi")], g = 2 - raw[[column]])
  data <- data[complete.cases(data), ]
  result <- if (kind == "glm") wald(data) else score(data)
  cat(sub("_[^_]*$", "", column), sprintf(digits, result), paste0(nrow(data), "\n"), sep = "\t")
}
