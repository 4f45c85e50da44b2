//! The operations of the protocol layer, each handed to the code that does it.

use std::sync::Arc;

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput, CreateBucketInput,
    CreateBucketOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteBucketInput,
    DeleteBucketOutput, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput,
    DeleteObjectsOutput, GetBucketLocationInput, GetBucketLocationOutput, GetObjectInput,
    GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput,
    ListBucketsInput, ListBucketsOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput,
    ListObjectsInput, ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, ListPartsInput,
    ListPartsOutput, PutObjectInput, PutObjectOutput, UploadPartCopyInput, UploadPartCopyOutput,
    UploadPartInput, UploadPartOutput,
};
use s3s::{S3, S3Request, S3Response, S3Result};

use super::error::StoreError;
use super::store::{Store, blocking};
use super::{commit, complete, copy, get, multipart};

/// The operations that a store serves.
#[derive(Clone, Debug)]
pub(crate) struct Operations {
    pub(crate) store: Arc<Store>,
}

impl Operations {
    /// Does `work` where it may wait for the disk.
    async fn answer<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> S3Result<S3Response<T>> {
        let store = Arc::clone(&self.store);
        Ok(S3Response::new(blocking(move || work(&store)).await?))
    }
}

/// The type of an operation: what it is asked and what it answers.
macro_rules! operations {
    ($(
        async fn $name:ident(&$this:ident, $request:ident: $input:ty) -> $output:ty $body:block
    )*) => {
        #[async_trait::async_trait]
        impl S3 for Operations {
            $(
                async fn $name(
                    &$this,
                    $request: S3Request<$input>,
                ) -> S3Result<S3Response<$output>> $body
            )*
        }
    };
}

operations! {
    async fn create_bucket(&self, request: CreateBucketInput) -> CreateBucketOutput {
        self.answer(move |store| store.create_bucket(&request.input.bucket)).await
    }

    async fn delete_bucket(&self, request: DeleteBucketInput) -> DeleteBucketOutput {
        self.answer(move |store| store.delete_bucket(&request.input.bucket)).await
    }

    async fn head_bucket(&self, request: HeadBucketInput) -> HeadBucketOutput {
        self.answer(move |store| store.head_bucket(&request.input.bucket)).await
    }

    async fn list_buckets(&self, _request: ListBucketsInput) -> ListBucketsOutput {
        self.answer(Store::list_buckets).await
    }

    async fn get_bucket_location(
        &self, request: GetBucketLocationInput
    ) -> GetBucketLocationOutput {
        self.answer(move |store| store.bucket_location(&request.input.bucket)).await
    }

    // A form that is posted comes here too, by default of the protocol layer.
    async fn put_object(&self, request: PutObjectInput) -> PutObjectOutput {
        Ok(S3Response::new(commit::put_object(&self.store, request).await?))
    }

    async fn get_object(&self, request: GetObjectInput) -> GetObjectOutput {
        Ok(S3Response::new(get::get_object(&self.store, request.input).await?))
    }

    async fn head_object(&self, request: HeadObjectInput) -> HeadObjectOutput {
        self.answer(move |store| store.head_object(&request.input)).await
    }

    async fn copy_object(&self, request: CopyObjectInput) -> CopyObjectOutput {
        Ok(S3Response::new(copy::copy_object(&self.store, request).await?))
    }

    async fn delete_object(&self, request: DeleteObjectInput) -> DeleteObjectOutput {
        self.answer(move |store| store.delete_object(&request.input)).await
    }

    async fn delete_objects(&self, request: DeleteObjectsInput) -> DeleteObjectsOutput {
        self.answer(move |store| store.delete_objects(request.input)).await
    }

    async fn list_objects(&self, request: ListObjectsInput) -> ListObjectsOutput {
        self.answer(move |store| store.list_objects(request.input)).await
    }

    async fn list_objects_v2(&self, request: ListObjectsV2Input) -> ListObjectsV2Output {
        self.answer(move |store| store.list_objects_v2(request.input)).await
    }

    async fn create_multipart_upload(
        &self, request: CreateMultipartUploadInput
    ) -> CreateMultipartUploadOutput {
        self.answer(move |store| store.create_multipart_upload(request.input)).await
    }

    async fn upload_part(&self, request: UploadPartInput) -> UploadPartOutput {
        Ok(S3Response::new(multipart::upload_part(&self.store, request).await?))
    }

    async fn upload_part_copy(&self, request: UploadPartCopyInput) -> UploadPartCopyOutput {
        let output = multipart::upload_part_copy(&self.store, request.input).await?;
        Ok(S3Response::new(output))
    }

    async fn complete_multipart_upload(
        &self, request: CompleteMultipartUploadInput
    ) -> CompleteMultipartUploadOutput {
        let output = complete::complete_multipart_upload(&self.store, request).await?;
        Ok(S3Response::new(output))
    }

    async fn abort_multipart_upload(
        &self, request: AbortMultipartUploadInput
    ) -> AbortMultipartUploadOutput {
        self.answer(move |store| store.abort_multipart_upload(&request.input)).await
    }

    async fn list_parts(&self, request: ListPartsInput) -> ListPartsOutput {
        self.answer(move |store| store.list_parts(request.input)).await
    }

    async fn list_multipart_uploads(
        &self, request: ListMultipartUploadsInput
    ) -> ListMultipartUploadsOutput {
        self.answer(move |store| store.list_multipart_uploads(request.input)).await
    }
}
