//! Plays a schedule on a real server, and compares what happens with what must happen.

use super::record::Must;
use super::stage::Stage;
use super::steps::Step;
use super::world::{Volley, World};

/// A session, as the holders of its tokens see it.
pub(super) struct Play<'a> {
    stage: &'a Stage,
    /// The tokens of the session by generation.
    chain: Vec<String>,
    over: bool,
}

/// What went wrong, as a sentence.
pub(super) type Played = Result<(), String>;

impl<'a> Play<'a> {
    pub(super) async fn signed_in(stage: &'a Stage) -> Self {
        Self { stage, chain: vec![stage.open_session().await], over: false }
    }

    /// Plays one step. `after` is the expected state.
    pub(super) async fn step(&mut self, step: &Step, after: &World) -> Played {
        match step {
            Step::SignIn => *self = Self::signed_in(self.stage).await,
            Step::Wait(delay) => self.stage.wait(*delay),
            _ => {
                for volley in &after.volleys {
                    self.present(volley).await?;
                }
            }
        }
        Ok(())
    }

    async fn present(&mut self, volley: &Volley) -> Played {
        // Tokens after the end were never issued.
        let index = usize::try_from(volley.generation).unwrap().min(self.chain.len() - 1);
        let before = if volley.overtaken { self.stage.row(&self.chain[0]).await } else { None };
        let answers = self.stage.present(&self.chain[index], volley.at_once).await;
        let refused = answers.iter().filter(|answer| answer.is_err()).count();
        if self.over {
            self.refused(&answers).await
        } else if volley.overtaken {
            let unchanged = self.stage.row(&self.chain[0]).await == before;
            overtaken(volley, &answers, unchanged)
        } else if refused == 0 {
            let successors: Vec<String> = answers.into_iter().flatten().collect();
            self.answered(volley, &successors).await
        } else if volley.must == Must::Reloadable {
            Err(format!("a client was signed out by accident: generation {} was rejected", volley.generation))
        } else if refused < answers.len() {
            Err(format!("one token at one moment was good for some, and rejected {refused} times"))
        } else {
            self.refused(&answers).await
        }
    }

    /// All got the same successor, the only one, and the row agrees.
    async fn answered(&mut self, volley: &Volley, successors: &[String]) -> Played {
        if volley.must == Must::End {
            return Err(format!("the thief was not noticed: generation {} was good", volley.generation));
        }
        let mut generations: Vec<i64> = successors.iter().map(|token| self.stage.generation(token)).collect();
        generations.dedup();
        if generations != [i64::from(volley.row)] {
            return Err(format!("not one successor for all, generation {}, but {generations:?}", volley.row));
        }
        if successors.iter().any(|token| *token != successors[0]) {
            return Err(format!("generation {} has tokens that differ", volley.row));
        }
        match self.chain.get(usize::try_from(volley.row).unwrap()) {
            None => self.chain.push(successors[0].clone()),
            Some(known) if *known == successors[0] => {}
            Some(_) => return Err(format!("generation {} has another token than before", volley.row)),
        }
        match self.stage.row(&self.chain[0]).await {
            Some(row) if row.generation.number() == i64::from(volley.row) => Ok(()),
            Some(row) => {
                Err(format!("the row is at generation {}, not {}", row.generation.number(), volley.row))
            }
            None => Err("tokens were issued for a session that is over".to_owned()),
        }
    }

    /// All were rejected, and all later ones must be.
    async fn refused(&mut self, answers: &[Result<String, (u16, String)>]) -> Played {
        let newest = self.chain.last().map_or("", String::as_str);
        let known = [self.stage.present(newest, 1).await, self.stage.present(&self.chain[0], 1).await];
        for answer in answers.iter().chain(known.iter().flatten()) {
            match answer {
                Err((400, code)) if code == "invalid_grant" => {}
                Err(other) => {
                    return Err(format!("a token of a session that is over was answered with {other:?}"));
                }
                Ok(_) => return Err("the session is over for some and not for others".to_owned()),
            }
        }
        if self.stage.row(&self.chain[0]).await.is_some() {
            return Err("a rejected session is still there".to_owned());
        }
        self.over = true;
        Ok(())
    }
}

/// All were rejected for now, and nothing changed.
fn overtaken(volley: &Volley, answers: &[Result<String, (u16, String)>], unchanged: bool) -> Played {
    let for_now = |answer: &Result<_, (u16, String)>| matches!(answer, Err((503, _)));
    if let Some(other) = answers.iter().find(|answer| !for_now(answer)) {
        let generation = volley.generation;
        return Err(format!(
            "a request that was overtaken was not rejected for now: generation {generation}: {other:?}"
        ));
    }
    if unchanged { Ok(()) } else { Err("a request that was overtaken changed the session".to_owned()) }
}
