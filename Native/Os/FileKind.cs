using System.Globalization;

namespace Mergeflow.Native;

/// <summary>What a path leads to, as the system says; the name says nothing: <c>/dev/shm</c> holds plain files.</summary>
public static unsafe class FileKind
{
    private const int AtFdCwd = -100;
    private const uint StatxType = 1;
    private const uint StatxInode = 0x100;
    private const int StatxSizeBytes = 256;
    private const int StatxModeOffset = 28;
    private const int StatxInodeOffset = 32;
    private const int StatxDeviceOffset = 136;
    private const int TypeMask = 0xf000;
    private const int RegularType = 0x8000;
    private const int SocketType = 0xc000;

    /// <summary>
    /// True if there is something that is no plain file: a device, a pipe, a socket. Links are followed. Source: <c>statx(2)</c>, whose record has the
    /// same layout on every processor.
    /// </summary>
    public static bool IsSpecial(string path)
    {
        byte* record = stackalloc byte[StatxSizeBytes];
        return Libc.Statx(AtFdCwd, path, 0, StatxType, record) == 0 && (*(ushort*)(record + StatxModeOffset) & TypeMask) != RegularType;
    }

    /// <summary>True if there is a socket.</summary>
    public static bool IsSocket(string path)
    {
        byte* record = stackalloc byte[StatxSizeBytes];
        return Libc.Statx(AtFdCwd, path, 0, StatxType, record) == 0 && (*(ushort*)(record + StatxModeOffset) & TypeMask) == SocketType;
    }

    /// <summary>
    /// True if both paths lead to one file, by links or other names too (device and inode number of <c>statx(2)</c>). Of files that are not there yet: the same
    /// name in the same folder.
    /// </summary>
    public static bool AreSame(string a, string b)
    {
        (bool isThere, ulong device, ulong inode) = Identity(a);
        (bool otherIsThere, ulong otherDevice, ulong otherInode) = Identity(b);
        if (isThere || otherIsThere) return isThere && otherIsThere && device == otherDevice && inode == otherInode;
        if (Path.GetFileName(a) != Path.GetFileName(b)) return false;
        string folder = Path.GetDirectoryName(Path.GetFullPath(a)) ?? "/", otherFolder = Path.GetDirectoryName(Path.GetFullPath(b)) ?? "/";
        return folder == otherFolder || (Identity(folder) is (true, _, _) where && where == Identity(otherFolder));
    }

    /// <summary>
    /// The number of the descriptor that a path stands for, so that it is written to rather than replaced; null for any other path: <c>/dev/stdout</c>,
    /// <c>/dev/fd/N</c> (a shell's <c>&gt;(command)</c>), <c>/proc/self/fd/N</c>.
    /// </summary>
    public static int? Descriptor(string path)
    {
        if (path is "/dev/stdin") return 0;
        if (path is "/dev/stdout") return 1;
        if (path is "/dev/stderr") return 2;
        foreach (string folder in new[] { "/dev/fd/", "/proc/self/fd/" })
        {
            if (path.StartsWith(folder, StringComparison.Ordinal) && int.TryParse(path[folder.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out int number)) return number;
        }

        return null;
    }

    private static (bool IsThere, ulong Device, ulong Inode) Identity(string path)
    {
        byte* record = stackalloc byte[StatxSizeBytes];
        return Libc.Statx(AtFdCwd, path, 0, StatxInode, record) == 0
            ? (true, *(ulong*)(record + StatxDeviceOffset), *(ulong*)(record + StatxInodeOffset))
            : default;
    }
}
