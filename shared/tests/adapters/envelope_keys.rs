//! KMS, in its words.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::adapters::aws::KmsEnvelopeKeys;
use shared::domain::identifier::KmsKeyArn;
use shared::ports::{EnvelopeKeys, FailureKind};

use crate::stub::{Stub, json as answer, json_error};

const KEY: &str = "arn:aws:kms:us-west-2:123456789012:key/mrk-1234";

fn key() -> KmsKeyArn {
    KmsKeyArn::new(KEY).unwrap()
}

fn context() -> BTreeMap<String, String> {
    BTreeMap::from([("component".to_owned(), "clinic-archives".to_owned())])
}

#[tokio::test]
async fn a_data_key_is_unwrapped_by_the_key_that_is_named_and_bound_to_its_context() {
    // "data-key" in base 64.
    let stub = Stub::answering(|_, _| answer(200, &json!({"KeyId": KEY, "Plaintext": "ZGF0YS1rZXk="}))).await;
    let keys = KmsEnvelopeKeys::new(stub.clients());
    let data_key = keys.unwrap_data_key(&key(), b"wrapped", &context()).await.unwrap();
    assert_eq!(data_key.expose(), b"data-key");
    assert!(!format!("{data_key:?}").contains("data-key"));
    keys.unwrap_data_key(&key(), b"wrapped", &BTreeMap::new()).await.unwrap();
    let asked = stub.asked();
    assert_eq!(stub.operations(), ["Decrypt", "Decrypt"]);
    let wrapped = json!({"KeyId": KEY, "CiphertextBlob": "d3JhcHBlZA=="});
    assert_eq!(asked[1].json(), wrapped);
    let mut bound = wrapped;
    bound["EncryptionContext"] = json!({"component": "clinic-archives"});
    assert_eq!(asked[0].json(), bound);
}

#[tokio::test]
async fn an_answer_of_another_key_is_none() {
    let other = KEY.replace("us-west-2", "us-east-1");
    let stub = Stub::answering(move |_, asked| match asked.operation() {
        "Decrypt" => answer(200, &json!({"KeyId": other, "Plaintext": "ZGF0YS1rZXk="})),
        _ => answer(200, &json!({"KeyMetadata": {"KeyId": "mrk-1234", "Arn": other, "KeyState": "Enabled"}})),
    })
    .await;
    let keys = KmsEnvelopeKeys::new(stub.clients());
    for failure in [
        keys.unwrap_data_key(&key(), b"wrapped", &context()).await.map(drop).unwrap_err(),
        keys.look(&key()).await.map(drop).unwrap_err(),
    ] {
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::NoAnswer, "other_key"));
    }
}

#[tokio::test]
async fn a_key_is_described_with_what_keeps_it_from_being_used() {
    let metadata = |state: &'static str, more: Value| {
        let mut metadata = json!({"KeyId": "mrk-1234", "Arn": KEY, "KeyState": state});
        metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        move |_: usize, _: &crate::stub::Asked| answer(200, &json!({"KeyMetadata": metadata}))
    };
    let stub = Stub::answering(metadata("Enabled", json!({}))).await;
    let found = KmsEnvelopeKeys::new(stub.clients()).look(&key()).await.unwrap();
    assert_eq!((found.state.as_str(), found.deleted_at), ("Enabled", None));
    assert_eq!(stub.asked()[0].json(), json!({"KeyId": KEY}));
    let stub = Stub::answering(metadata("PendingDeletion", json!({"DeletionDate": 1_795_182_000}))).await;
    let found = KmsEnvelopeKeys::new(stub.clients()).look(&key()).await.unwrap();
    assert_eq!((found.state.as_str(), found.deleted_at.map(|at| at.as_second())), ("PendingDeletion", Some(1_795_182_000)));
}

#[tokio::test]
async fn what_kms_refuses_keeps_its_own_code() {
    for (status, code, kind) in [
        (400, "IncorrectKeyException", FailureKind::Refused),
        (400, "InvalidCiphertextException", FailureKind::Refused),
        (400, "DisabledException", FailureKind::Refused),
        (400, "KMSInvalidStateException", FailureKind::Refused),
        (400, "NotFoundException", FailureKind::NotFound),
        (400, "AccessDeniedException", FailureKind::Denied),
        (400, "ThrottlingException", FailureKind::NotNow),
        (500, "KeyUnavailableException", FailureKind::NoAnswer),
    ] {
        let stub = Stub::answering(move |_, _| json_error(status, code, "because")).await;
        let failure =
            KmsEnvelopeKeys::new(stub.clients()).unwrap_data_key(&key(), b"wrapped", &context()).await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (kind, code));
        assert_eq!(stub.asked().len() > 1, [FailureKind::NotNow, FailureKind::NoAnswer].contains(&kind), "{code}");
    }
}
