//! Tags and resource policies: kept and returned, without any effect on requests.

use super::api::*;
use super::refusal::{Answer, invalid};
use super::state::Kinesis;
use crate::time::Time;

impl Kinesis {
    pub(super) fn add_tags(&mut self, now: Time, resource: &Resource, tags: Tags) -> Answer {
        let account = self.settings.account.clone();
        let most = self.settings.profile.stream.tags;
        let (kept, _) = self.labels(now, resource)?;
        let new = tags.keys().filter(|key| !kept.contains_key(*key)).count();
        if kept.len() + new > most {
            return Err(too_many_tags(resource.stream(), &account, most));
        }
        kept.extend(tags);
        Ok(Response::Empty)
    }

    pub(super) fn remove_tags(&mut self, now: Time, resource: &Resource, keys: &[String]) -> Answer {
        let (kept, _) = self.labels(now, resource)?;
        kept.retain(|key, _| !keys.contains(key));
        Ok(Response::Empty)
    }

    pub(super) fn list_tags(&mut self, now: Time, resource: &Resource) -> Answer {
        self.labels(now, resource).map(|(tags, _)| Response::ListTagsForResource(tags.clone()))
    }

    pub(super) fn list_tags_for_stream(
        &mut self,
        now: Time,
        stream: String,
        limit: usize,
        after: Option<&str>,
    ) -> Answer {
        let (tags, _) = self.labels(now, &Resource::Stream(stream))?;
        let rest = || tags.iter().filter(|(key, _)| after.is_none_or(|after| key.as_str() > after));
        let page = rest().take(limit).map(|(key, value)| (key.clone(), value.clone())).collect();
        Ok(Response::ListTagsForStream { tags: page, more: rest().nth(limit).is_some() })
    }

    /// Sets the policy, or removes it.
    pub(super) fn put_policy(&mut self, now: Time, resource: &Resource, policy: Option<String>) -> Answer {
        let readable = policy.as_deref().is_none_or(|text| serde_json::from_str::<serde_json::Value>(text).is_ok());
        if !readable {
            return Err(invalid("The resource policy is not valid JSON."));
        }
        let (_, kept) = self.labels(now, resource)?;
        if policy.is_none() && kept.is_none() {
            let message = format!("No resource policy found for {}.", resource.stream());
            return Err(ServiceError::new(ErrorKind::ResourceNotFound, message));
        }
        *kept = policy;
        Ok(Response::Empty)
    }

    pub(super) fn get_policy(&mut self, now: Time, resource: &Resource) -> Answer {
        self.labels(now, resource).map(|(_, policy)| Response::GetResourcePolicy(policy.clone()))
    }

    fn labels(&mut self, now: Time, resource: &Resource) -> Result<(&mut Tags, &mut Option<String>), ServiceError> {
        match resource {
            Resource::Stream(name) => self.stream_mut(now, name).map(|stream| (&mut stream.tags, &mut stream.policy)),
            Resource::Consumer(name) => {
                self.registered(now, name).map(|consumer| (&mut consumer.tags, &mut consumer.policy))
            }
        }
    }
}

pub(super) fn too_many_tags(stream: &str, account: &str, most: usize) -> ServiceError {
    invalid(format!(
        "Failed to add tags to stream {stream} under account {account} because a given stream cannot have more than {most} \
         tags associated with it."
    ))
}
