//! What other programs than our gateway find: health, reflection, and room for what is to come.

use bytes::Bytes;
use novai_rpc::v1::inference_service_client::InferenceServiceClient;
use novai_rpc::v1::{ChatResponse, ChatStreamResponse};
use prost::Message;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::support::provider::Scripted;
use crate::support::within;
use crate::support::worker::Worker;

const SERVICE: &str = "novai.v1.InferenceService";

#[tokio::test]
async fn health_is_told_to_whoever_watches() {
    let mut worker = Worker::start(Scripted::new());
    let channel = Endpoint::from_shared(worker.url()).unwrap().connect().await.unwrap();
    let mut client = HealthClient::new(channel);
    for service in ["", SERVICE] {
        let answer = client.check(HealthCheckRequest { service: service.into() }).await.unwrap();
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving, "{service:?}");
    }
    let mut watch = client.watch(HealthCheckRequest { service: SERVICE.into() }).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    worker.drain();
    let told = within("the worker's farewell", watch.message()).await.unwrap().unwrap();
    assert_eq!(told.status(), ServingStatus::NotServing);
    // A watcher that stays does not keep it from ending.
    assert!(within("the watch's end", watch.message()).await.unwrap().is_none());
    worker.ended().await;
}

#[tokio::test]
async fn reflection_lists_and_describes_the_services() {
    let worker = Worker::start(Scripted::new());
    let channel = Endpoint::from_shared(worker.url()).unwrap().connect().await.unwrap();
    let mut client = ServerReflectionClient::new(channel);
    let ask = |request| ServerReflectionRequest { host: String::new(), message_request: Some(request) };
    let requests = [
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol("novai.v1.ErrorDetail".into())),
    ];
    let mut answers =
        client.server_reflection_info(futures_util::stream::iter(requests)).await.unwrap().into_inner();
    let listed = answers.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(listed) = listed else { panic!("{listed:?}") };
    let names: Vec<&str> = listed.service.iter().map(|service| service.name.as_str()).collect();
    assert!(names.contains(&SERVICE) && names.contains(&"grpc.health.v1.Health"), "{names:?}");
    let described = answers.message().await.unwrap().unwrap().message_response.unwrap();
    assert!(matches!(described, MessageResponse::FileDescriptorResponse(_)), "{described:?}");
}

/// Fields that we do not know yet change nothing about those that we do. In payloads they even survive: those stay bytes.
#[tokio::test]
async fn a_newer_far_end_is_understood() {
    let unknown = [&[0xfa, 0x01, 0x03][..], b"new", &[0xc0, 0x3e, 0x01]].concat();
    let newer = |known: Vec<u8>| Bytes::from([known, unknown.clone()].concat());
    let answer = ChatResponse { json: Bytes::from_static(b"{\"new\":1}"), ..ChatResponse::default() };
    assert_eq!(ChatResponse::decode(newer(answer.encode_to_vec())).unwrap(), answer);
    let message = ChatStreamResponse::default();
    assert_eq!(ChatStreamResponse::decode(newer(message.encode_to_vec())).unwrap(), message);
    // A method that this worker does not have is refused, and the connection goes on.
    let worker = Worker::start(Scripted::new());
    let channel = Endpoint::from_shared(worker.url()).unwrap().connect().await.unwrap();
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/novai.v1.InferenceService/Newer");
    let codec = tonic_prost::ProstCodec::<ChatResponse, ChatResponse>::default();
    let status = grpc.unary(tonic::Request::new(answer), path, codec).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unimplemented);
    let models = novai_rpc::v1::ListModelsRequest { provider: "scripted".into() };
    InferenceServiceClient::new(channel).list_models(models).await.unwrap();
}
