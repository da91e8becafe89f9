//! SQL over the current snapshots: one schema per dataset with the tables `sites`, `samples` and
//! `phenotypes`.
//!
//! Only statements that read are accepted (SELECT, WITH, EXPLAIN, SHOW, DESCRIBE), only of these
//! tables: no file can be named in a query. Memory and rows are limited, and nothing is spilled to
//! disk. Answers may hold rows of single people, so this is for the data holder at the node itself.

mod table;

use std::{path::Path, sync::Arc};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::{
    catalog::{
        CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider, TableProvider,
    },
    datasource::{
        file_format::parquet::ParquetFormat,
        listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl},
    },
    error::DataFusionError,
    execution::{
        disk_manager::{DiskManagerBuilder, DiskManagerMode},
        memory_pool::GreedyMemoryPool,
        runtime_env::{RuntimeEnv, RuntimeEnvBuilder},
    },
    physical_plan::SendableRecordBatchStream,
    prelude::{SQLOptions, SessionConfig, SessionContext},
};
use futures_util::StreamExt;

pub use table::{Cell, Table};

use crate::{
    LakeError, Snapshot,
    tables::{sample_schema, site_schema},
};

const CATALOG: &str = "ligate";

/// How much a query may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqlLimits {
    /// Rows of an answer; further ones are left out and the table says so.
    pub rows: usize,
    /// Memory of the query, and of its answer.
    pub memory_bytes: usize,
}

impl Default for SqlLimits {
    fn default() -> Self {
        Self {
            rows: 100_000,
            memory_bytes: 1 << 30,
        }
    }
}

/// Answers a query. The snapshots are held until it ends.
pub async fn answer(
    snapshots: Vec<Snapshot>,
    query: &str,
    limits: SqlLimits,
) -> Result<Table, LakeError> {
    let context = context(&snapshots, limits).map_err(refused)?;
    let plan = context
        .state()
        .create_logical_plan(query)
        .await
        .map_err(refused)?;
    let reading = SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false);
    reading.verify_plan(&plan).map_err(|error| {
        let reason = error.strip_backtrace();
        LakeError::Query(format!("only queries that read are possible: {reason}"))
    })?;
    let frame = context.execute_logical_plan(plan).await.map_err(refused)?;
    let columns = frame
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    let rows = frame.execute_stream().await.map_err(refused)?;
    collect(Table::new(columns), rows, limits).await
}

/// Takes rows until the answer is full.
async fn collect(
    mut table: Table,
    mut rows: SendableRecordBatchStream,
    limits: SqlLimits,
) -> Result<Table, LakeError> {
    let mut bytes = 0;
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(refused)?;
        bytes += table
            .push(&batch, limits.rows)
            .map_err(|error| LakeError::Query(error.to_string()))?;
        if bytes > limits.memory_bytes {
            let limit = limits.memory_bytes;
            return Err(LakeError::Query(format!(
                "the answer takes more than {limit} bytes; add a LIMIT"
            )));
        }
        if table.truncated {
            break;
        }
    }
    Ok(table)
}

fn refused(error: DataFusionError) -> LakeError {
    LakeError::Query(error.strip_backtrace())
}

fn context(snapshots: &[Snapshot], limits: SqlLimits) -> Result<SessionContext, DataFusionError> {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(CATALOG, "public")
        .with_information_schema(true)
        .with_create_default_catalog_and_schema(false);
    let options = config.options_mut();
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    // Names of variables and datasets are taken as written.
    options.sql_parser.enable_ident_normalization = false;
    let context = SessionContext::new_with_config_rt(config, runtime(limits)?);
    let catalog = MemoryCatalogProvider::new();
    for snapshot in snapshots {
        catalog.register_schema(snapshot.dataset().as_str(), schema_of(snapshot)?)?;
    }
    context.register_catalog(CATALOG, Arc::new(catalog));
    Ok(context)
}

fn runtime(limits: SqlLimits) -> Result<Arc<RuntimeEnv>, DataFusionError> {
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(GreedyMemoryPool::new(limits.memory_bytes)))
        .with_disk_manager_builder(
            DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled),
        )
        .build_arc()
}

fn schema_of(snapshot: &Snapshot) -> Result<Arc<dyn SchemaProvider>, DataFusionError> {
    let (folder, schema) = (snapshot.folder(), MemorySchemaProvider::new());
    let tables = [
        ("sites", table(&folder.sites_folder(), site_schema())?),
        ("samples", table(&folder.samples(), sample_schema())?),
        (
            "phenotypes",
            table(&folder.phenotypes(), phenotype_schema(snapshot))?,
        ),
    ];
    for (name, table) in tables {
        schema.register_table(name.to_owned(), table)?;
    }
    Ok(Arc::new(schema))
}

fn phenotype_schema(snapshot: &Snapshot) -> SchemaRef {
    let mut fields = vec![Field::new("individual", DataType::Utf8, false)];
    let variable = |name: &str| Field::new(name, DataType::Float64, true);
    fields.extend(
        snapshot
            .variables()
            .iter()
            .map(|described| variable(described.name.as_str())),
    );
    Arc::new(Schema::new(fields))
}

/// A table over one Parquet file, or over all in a folder.
fn table(path: &Path, schema: SchemaRef) -> Result<Arc<dyn TableProvider>, DataFusionError> {
    let url = ListingTableUrl::parse(file_url(path)?)?;
    let options =
        ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
    let config = ListingTableConfig::new(url)
        .with_listing_options(options)
        .with_schema(schema);
    Ok(Arc::new(ListingTable::try_new(config)?))
}

/// The `file:` URL of a path. A plain path would do for most, but `*`, `?` and `[` in it would be
/// patterns.
fn file_url(path: &Path) -> Result<String, DataFusionError> {
    let absolute = std::path::absolute(path)?;
    let text = absolute.to_str().ok_or_else(|| {
        DataFusionError::Plan(format!(
            "{} has a name that is not UTF-8",
            absolute.display()
        ))
    })?;
    let mut url = String::from("file://");
    for byte in text.bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'=' => url.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => url.push(char::from(byte)),
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    if path.is_dir() {
        url.push('/');
    }
    Ok(url)
}
