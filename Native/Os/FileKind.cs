namespace Mergeflow.Native;

/// <summary>What a path leads to, as the system says; the name says nothing: <c>/dev/shm</c> holds plain files.</summary>
public static unsafe class FileKind
{
    private const int AtFdCwd = -100;
    private const uint StatxType = 1;
    private const int StatxSizeBytes = 256;
    private const int StatxModeOffset = 28;
    private const int TypeMask = 0xf000;
    private const int RegularType = 0x8000;

    /// <summary>
    /// True if there is something that is no plain file: a device, a pipe, a socket. Links are followed. Source: <c>statx(2)</c>, whose record has the
    /// same layout on every processor.
    /// </summary>
    public static bool IsSpecial(string path)
    {
        byte* record = stackalloc byte[StatxSizeBytes];
        return Libc.Statx(AtFdCwd, path, 0, StatxType, record) == 0 && (*(ushort*)(record + StatxModeOffset) & TypeMask) != RegularType;
    }
}
