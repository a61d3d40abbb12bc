//! The description of the API: what the routes say of themselves, and what every one of them may answer instead.

use super::MEDIA_TYPE_PROBLEM;
use super::model::Problem;
use super::problem::Kind;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem, Ref, RefOr,
    ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};

const DESCRIPTION: &str = "\
State and changes of a running load balancer. It listens on a unix socket, whose mode says who may ask, and over TCP \
if the configuration says so; there a token is needed (`Authorization: Bearer TOKEN`) unless it listens on loopback \
without one. Writes are done whole or not at all, and the same write again changes nothing more. Errors are problem \
documents (RFC 9457) that name each field and what is wrong with it. Fields may be added within a version, none is \
renamed or removed.";

/// The document without paths.
pub(super) fn head() -> OpenApi {
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("Evenkeel")
        .version("v1")
        .description(Some(DESCRIPTION))
        .license(Some(license));
    let mut components = Components::new();
    let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.add_security_scheme("token", token);
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    let mut schemas = Vec::new();
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    for kind in Kind::ALL {
        components.responses.insert(kind.word().to_owned(), RefOr::T(response(*kind)));
    }
    let either = [SecurityRequirement::default(), SecurityRequirement::new("token", [""; 0])];
    OpenApiBuilder::new().info(info.build()).components(Some(components)).security(Some(either)).build()
}

fn response(kind: Kind) -> utoipa::openapi::Response {
    let problem = Ref::from_schema_name(Problem::name());
    let content = ContentBuilder::new().schema(Some(problem)).build();
    ResponseBuilder::new().description(kind.title()).content(MEDIA_TYPE_PROBLEM, content).build()
}

/// The document with what goes wrong added to each operation.
pub(super) fn completed(mut document: OpenApi) -> OpenApi {
    for item in document.paths.paths.values_mut() {
        let PathItem { get, put, post, delete, patch, .. } = item;
        get.iter_mut().for_each(|operation| complete(operation, false));
        for operation in [put, post, delete, patch].into_iter().flatten() {
            complete(operation, true);
        }
    }
    document
}

fn complete(operation: &mut Operation, writes: bool) {
    let has_parameters = operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty());
    let has_body = operation.request_body.is_some();
    let kinds = Kind::ALL.iter().filter(|kind| match kind {
        Kind::Method => false,
        Kind::NotFound | Kind::Invalid => has_parameters || has_body,
        Kind::Conflict => writes,
        Kind::TooLarge | Kind::MediaType => has_body,
        _ => true,
    });
    for kind in kinds {
        let response = RefOr::Ref(Ref::from_response_name(kind.word()));
        operation.responses.responses.insert(kind.status().as_str().to_owned(), response);
    }
}

/// The document as it is served and checked in.
pub(super) fn text(document: &OpenApi) -> String {
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}
