//! A match request: parsed whole, then checked, so that whoever holds one can compare it.

use serde::{Deserialize, Serialize};

use super::{Contact, MmeError, Patient};

/// Features in a request at the most.
pub const FEATURES_MAX: usize = 2000;

/// Suspected genes in a request at the most.
pub const GENOMIC_FEATURES_MAX: usize = 1000;

/// Bytes of an id, a label or a name at the most (the standard's limit).
const TEXT_MAX: usize = 255;

/// A peer's question about one patient.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct MatchRequest {
    pub patient: Patient,
}

impl MatchRequest {
    /// Reads a request's body.
    pub fn parse(body: &[u8]) -> Result<Self, MmeError> {
        let value: serde_json::Value =
            serde_json::from_slice(body).map_err(|error| malformed(&error))?;
        let Some(patient) = value.get("patient").and_then(serde_json::Value::as_object) else {
            return Err(MmeError::Incomplete("a match request has a `patient`"));
        };
        // Told apart from malformed JSON: a complete body without a mandatory part is 422.
        if !patient.get("id").is_some_and(serde_json::Value::is_string) {
            return Err(MmeError::Incomplete("a patient has an `id`"));
        }
        if !patient
            .get("contact")
            .is_some_and(serde_json::Value::is_object)
        {
            return Err(MmeError::Incomplete(
                "a patient has a `contact` with `name` and `href`",
            ));
        }
        let request: Self = serde_json::from_value(value).map_err(|_| {
            MmeError::Incomplete("a field of the patient has another form than the API's")
        })?;
        request.check()?;
        Ok(request)
    }

    fn check(&self) -> Result<(), MmeError> {
        let patient = &self.patient;
        if patient.id.is_empty() || patient.id.len() > TEXT_MAX {
            return Err(MmeError::Incomplete("a patient's `id` has 1 to 255 bytes"));
        }
        if patient
            .label
            .as_ref()
            .is_some_and(|label| label.len() > TEXT_MAX)
        {
            return Err(MmeError::Incomplete(
                "a patient's `label` has at most 255 bytes",
            ));
        }
        patient.contact.check()?;
        if patient.features.is_empty() && patient.genomic_features.is_empty() {
            return Err(MmeError::Incomplete(
                "a patient has `features` or `genomicFeatures`, or both",
            ));
        }
        if patient.features.len() > FEATURES_MAX
            || patient.genomic_features.len() > GENOMIC_FEATURES_MAX
        {
            return Err(MmeError::Incomplete("more features than any patient has"));
        }
        if patient
            .species
            .as_ref()
            .is_some_and(|species| species != "NCBITaxon:9606")
        {
            return Err(MmeError::Incomplete(
                "only human patients (NCBITaxon:9606) are matched here",
            ));
        }
        Ok(())
    }
}

impl Contact {
    /// Whether somebody can be reached by it.
    pub fn check(&self) -> Result<(), MmeError> {
        if self.name.trim().is_empty() || self.name.len() > TEXT_MAX {
            return Err(MmeError::Incomplete(
                "a contact's `name` has 1 to 255 bytes",
            ));
        }
        let known = ["http://", "https://", "mailto:"]
            .iter()
            .any(|scheme| self.href.starts_with(scheme));
        if !known || self.href.chars().any(char::is_whitespace) {
            return Err(MmeError::Incomplete(
                "a contact's `href` is an http, https or mailto address",
            ));
        }
        Ok(())
    }
}

fn malformed(error: &serde_json::Error) -> MmeError {
    MmeError::Malformed {
        line: error.line(),
        column: error.column(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn request() -> Value {
        json!({ "patient": {
            "id": "1",
            "contact": { "name": "Registry", "href": "mailto:registry@example.org" },
            "features": [{ "id": "HP:0001250" }, { "id": "HP:0000252", "observed": "no" }],
            "genomicFeatures": [{ "gene": { "id": "FGFR2" }, "zygosity": 1 }],
            "unknownKey": 1
        }, "more": [] })
    }

    fn parse(value: &Value) -> Result<MatchRequest, MmeError> {
        MatchRequest::parse(value.to_string().as_bytes())
    }

    #[test]
    fn a_complete_request_is_read_and_unknown_keys_are_ignored() {
        let patient = parse(&request())
            .map(|request| request.patient)
            .ok()
            .unwrap();
        assert_eq!(patient.features.len(), 2);
        assert!(patient.features[0].observed == super::super::Observed::Yes);
        assert_eq!(patient.genomic_features[0].gene.id, "FGFR2");
    }

    #[test]
    fn what_is_mandatory_is_asked_for() {
        let check = |change: &dyn Fn(&mut Value), status: u16| {
            let mut value = request();
            change(&mut value);
            assert_eq!(
                parse(&value).err().map(|error| error.status()),
                Some(status),
                "{value}"
            );
        };
        let remove = |key: &'static str| {
            move |value: &mut Value| {
                value["patient"].as_object_mut().unwrap().remove(key);
            }
        };
        check(&remove("id"), 422);
        check(&remove("contact"), 422);
        check(&|value| *value = json!({}), 422);
        check(&|value| *value = json!([]), 422);
        check(&|value| value["patient"]["id"] = json!(7), 422);
        check(
            &|value| value["patient"]["id"] = json!("x".repeat(256)),
            422,
        );
        check(
            &|value| value["patient"]["contact"]["href"] = json!("javascript:alert(1)"),
            422,
        );
        check(&|value| value["patient"]["features"] = json!("HP:1"), 422);
        check(
            &|value| value["patient"]["species"] = json!("NCBITaxon:10090"),
            422,
        );
        check(
            &|value| {
                value["patient"]["features"] = json!(null);
                value["patient"]["genomicFeatures"] = json!([]);
            },
            422,
        );
        assert_eq!(
            MatchRequest::parse(b"{\"patient\":")
                .err()
                .map(|error| error.status()),
            Some(400)
        );
        assert_eq!(
            MatchRequest::parse(b"\xff\x00")
                .err()
                .map(|error| error.status()),
            Some(400)
        );
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = MatchRequest::parse(&bytes);
        }
    }
}
