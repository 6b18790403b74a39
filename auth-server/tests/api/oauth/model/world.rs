//! Which sessions live, derived only from what the user and the applications did.

/// A sign-in, or a session of an application.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// The application. `None`: a sign-in.
    pub(super) application: Option<usize>,
    /// The sign-in with which it ends.
    parent: Option<usize>,
    pub(super) lives: bool,
}

#[derive(Debug, Clone)]
struct Code {
    application: usize,
    sign_in: usize,
    offline: bool,
    state: CodeState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CodeState {
    Good,
    Expired,
    /// The consent was withdrawn, or the sign-in has ended.
    Deleted,
    /// It opened this session.
    Spent(usize),
}

/// What happens if a code is redeemed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Redeemed {
    /// Exactly one redemption opens a session.
    Opens,
    /// None does.
    Refused,
}

/// One user with two applications.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    /// In the order in which they were opened.
    pub(super) sessions: Vec<Session>,
    codes: Vec<Code>,
    /// What was notable.
    pub(super) events: Vec<&'static str>,
}

impl World {
    pub(super) fn sign_in(&mut self) {
        self.sessions.push(Session { application: None, parent: None, lives: true });
    }

    /// A sign-in that lives.
    pub(super) fn live_sign_in(&self, number: usize) -> Option<usize> {
        nth(&self.positions(|session| session.application.is_none() && session.lives), number)
    }

    /// A session of an application, living or not.
    pub(super) fn application_session(&self, number: usize) -> Option<usize> {
        nth(&self.positions(|session| session.application.is_some()), number)
    }

    pub(super) fn code(&self, number: usize) -> Option<usize> {
        number.checked_rem(self.codes.len())
    }

    pub(super) fn application_of_code(&self, code: usize) -> usize {
        self.codes[code].application
    }

    pub(super) fn allow(&mut self, sign_in: usize, application: usize, offline: bool) {
        self.codes.push(Code { application, sign_in, offline, state: CodeState::Good });
    }

    /// A sign-in ends, with the sessions of applications that belong to it.
    pub(super) fn sign_out(&mut self, sign_in: usize) {
        for number in 0..self.sessions.len() {
            let belongs = self.sessions[number].parent == Some(sign_in);
            let allowed_there = self.codes.iter().any(|code| {
                code.sign_in == sign_in && code.state == CodeState::Spent(number) && code.offline
            });
            if self.sessions[number].lives && belongs {
                self.events.push("a session ended with its sign-in");
            } else if self.sessions[number].lives && allowed_there {
                self.events.push("a session with offline_access outlived its sign-in");
            }
            self.sessions[number].lives &= !(belongs || number == sign_in);
        }
        self.delete_codes(|code| code.sign_in == sign_in);
    }

    pub(super) fn sign_out_everywhere(&mut self) {
        if self.sessions.iter().any(|session| session.application.is_some() && session.lives) {
            self.events.push("all sessions of the user ended");
        }
        self.sessions.iter_mut().for_each(|session| session.lives = false);
        self.delete_codes(|_| true);
    }

    pub(super) fn withdraw(&mut self, application: usize) {
        for session in self.sessions.iter_mut().filter(|session| session.application == Some(application)) {
            if session.lives {
                self.events.push("a session ended with the consent");
            }
            session.lives = false;
        }
        self.delete_codes(|code| code.application == application);
    }

    pub(super) fn revoke(&mut self, session: usize) {
        if self.sessions[session].lives {
            self.events.push("a session was revoked by its application");
        }
        self.sessions[session].lives = false;
    }

    pub(super) fn wait(&mut self) {
        for code in self.codes.iter_mut().filter(|code| code.state == CodeState::Good) {
            code.state = CodeState::Expired;
        }
    }

    /// A code is used, once or several times at once. Every use but the first ends the session that the first one opened.
    pub(super) fn redeem(&mut self, code: usize, times: usize) -> Redeemed {
        let Code { application, sign_in, offline, state } = self.codes[code];
        match state {
            CodeState::Good => {
                let opened = self.sessions.len();
                let parent = (!offline).then_some(sign_in);
                self.sessions.push(Session { application: Some(application), parent, lives: times == 1 });
                self.codes[code].state = CodeState::Spent(opened);
                self.events.push(match times {
                    1 => "a code was redeemed",
                    _ => "a code was redeemed at once with itself",
                });
                return Redeemed::Opens;
            }
            CodeState::Spent(session) => {
                self.events.push(if self.sessions[session].lives {
                    "a code was used again while its session lived"
                } else {
                    "a code was used again after its session had ended"
                });
                self.sessions[session].lives = false;
            }
            CodeState::Deleted => self.events.push(if self.sessions[sign_in].lives {
                "a code came after the consent was withdrawn"
            } else {
                "a code came after its sign-in had ended"
            }),
            CodeState::Expired => self.events.push("a code came too late"),
        }
        Redeemed::Refused
    }

    fn delete_codes(&mut self, which: impl Fn(&Code) -> bool) {
        for code in self.codes.iter_mut().filter(|code| which(code)) {
            if !matches!(code.state, CodeState::Spent(_)) {
                code.state = CodeState::Deleted;
            }
        }
    }

    fn positions(&self, which: impl Fn(&Session) -> bool) -> Vec<usize> {
        (0..self.sessions.len()).filter(|number| which(&self.sessions[*number])).collect()
    }
}

fn nth(candidates: &[usize], number: usize) -> Option<usize> {
    candidates.get(number.checked_rem(candidates.len())?).copied()
}
