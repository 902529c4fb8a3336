//! Links in the workspace, which commands can make, lead to no skill.

use super::*;

#[test]
fn no_link_of_the_workspace_leads_a_place_of_skills_out_of_it() {
    let home = Home::new();
    home.skill("elsewhere/a", "name: a");
    fs::create_dir(home.path("workspace")).unwrap();
    let outside = |path: &str| {
        let text = "it leads out of the folder that skills are looked for in";
        (Vec::<String>::new(), vec![format!("{path}: {text}")])
    };

    symlink(home.path("elsewhere"), home.path("workspace/skills")).unwrap();
    assert_eq!((home.found(), home.problems()), outside("workspace/skills"));
    fs::remove_file(home.path("workspace/skills")).unwrap();

    // Nor does a link in the state directory that the owner has made to a folder of the workspace.
    fs::create_dir_all(home.path("state/skills")).unwrap();
    symlink(home.path("workspace/mine"), home.path("state/skills/mine")).unwrap();
    home.skill("workspace/mine", "name: mine");
    assert_eq!(home.found(), ["workspace/mine"]);
    fs::remove_dir_all(home.path("workspace/mine")).unwrap();
    symlink("../elsewhere/a", home.path("workspace/mine")).unwrap();
    assert_eq!(
        (home.found(), home.problems()),
        outside("state/skills/mine")
    );
}

#[test]
fn what_may_be_read_beside_the_workspace_is_no_skill_of_it_and_where_it_was_found() {
    let home = Home::new();
    home.skill("workspace/skills/own", "name: own");
    home.skill("workspace/.agents/skills/project", "name: project");
    home.skill("state/skills/managed", "name: managed");
    home.skill("elsewhere/target", "name: target");
    home.skill("secret", "name: secret");
    symlink(
        home.path("elsewhere/target"),
        home.path("workspace/skills/target"),
    )
    .unwrap();
    let real = |path: &str| home.path(path).canonicalize().unwrap();
    let mut sources = home.sources();
    sources.link_targets.push(real("elsewhere"));
    let set = Skills::new(sources).load();
    let bare = Sandbox::from_environment();
    let (managed, target) = (real("state/skills/managed"), real("elsewhere/target"));
    assert_eq!(set.readable(&bare), [managed, target.clone()]);
    assert_eq!(judged(&set, "target").skill.folder, target);

    let shut = bare.with_off_limits([home.path("state/skills/managed/key")]);
    assert_eq!(set.readable(&shut), std::slice::from_ref(&target));
    fs::rename(&target, home.path("moved")).unwrap();
    symlink(home.path("secret"), &target).unwrap();
    assert_eq!(set.readable(&shut), Vec::<PathBuf>::new());
}
