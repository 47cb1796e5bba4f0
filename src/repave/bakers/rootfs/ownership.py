"""As whom and where an image's command runs: the same in a container and in a machine."""

from repave.bakers.rootfs.skeleton import Skeleton
from repave.model.recipe import Image
from repave.ports.baker import BakeRequest
from repave.ports.errors import Invalid

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}

NOBODY = 65534
"""Who that is where no account says (nobody(5) of systemd's sysusers, the kernel's overflowuid)."""


def user_of(image: Image, skeleton: Skeleton) -> str:
    """``uid:gid`` of the image's user, by the image's own accounts; numbers are taken as they are."""
    user, _, group = image.user.partition(":")
    if user.isdigit():
        number, own_group = int(user), skeleton.groups.get(group, 0)
    elif user in skeleton.users:
        number, own_group = skeleton.users[user]
    elif user == "nobody" and not skeleton.users:
        number = own_group = NOBODY
    else:
        known = ", ".join(name for name in ("nobody", "www-data", "root") if name in skeleton.users)
        raise Invalid(
            f"image {image.name}: there is no user {user!r} in it",
            hint=f"its /etc/passwd has {known or 'none'} among others; or give a number" if known else "give a number",
        )
    if not group:
        # A bare number runs with the group of the same number, never with root's.
        return f"{number}:{number if user.isdigit() else own_group}"
    if group.isdigit():
        return f"{number}:{int(group)}"
    if group not in skeleton.groups:
        raise Invalid(f"image {image.name}: there is no group {group!r} in it", hint="its /etc/group lists them")
    return f"{number}:{skeleton.groups[group]}"


def data_folders(image: Image, skeleton: Skeleton) -> dict[str, tuple[int, int, int]]:
    """The folders that are the application's own, with mode, user and group; see ``user_of`` for what it raises."""
    if not image.data:
        return {}
    user, _, group = user_of(image, skeleton).partition(":")
    return {path.rstrip("/"): (0o700, int(user), int(group)) for path in image.data}


def application_folders(request: BakeRequest) -> list[str]:
    """Where the application is: the targets of all folders of files, in the file's order."""
    origins = [file.origin for file in request.files]
    return ["/" + mapping.target.strip("/") for mapping in request.image.files if mapping.is_folder(origins)]


def working_folder(request: BakeRequest) -> str:
    """The first folder of the application; empty where there is none."""
    return next(iter(application_folders(request)), "")
