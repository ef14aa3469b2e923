using System.Globalization;
using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <summary>What the kernel lets a process do besides its user's rights (capabilities(7)).</summary>
public static partial class Capabilities
{
    private const int DropFromBoundingSet = 24;
    private const int Last = 63;

    /// <summary>A capability by its number: network devices, routes, queueing disciplines.</summary>
    public const int NetAdmin = 12;

    /// <summary>Raw and packet sockets.</summary>
    public const int NetRaw = 13;

    /// <summary>Memory that is never swapped out: AF_XDP.</summary>
    public const int IpcLock = 14;

    /// <summary>What the verifier asks of programs with pointer arithmetic.</summary>
    public const int Perfmon = 38;

    /// <summary>BPF programs and maps.</summary>
    public const int Bpf = 39;

    /// <summary>Those of the calling process, as a mask by their numbers; all where the system does not say.</summary>
    public static ulong Effective()
    {
        try
        {
            string? line = File.ReadLines("/proc/self/status").FirstOrDefault(static l => l.StartsWith("CapEff:", StringComparison.Ordinal));
            return line is not null && ulong.TryParse(line["CapEff:".Length..].Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong mask) ? mask : ulong.MaxValue;
        }
        catch (IOException)
        {
            return ulong.MaxValue;
        }
    }

    /// <summary>Of some, those that the process does not have, by their names.</summary>
    public static IReadOnlyList<string> Missing(params ReadOnlySpan<int> wanted)
    {
        ulong effective = Effective();
        List<string> missing = [];
        foreach (int capability in wanted)
        {
            if ((effective >> capability & 1) == 0) missing.Add(NameOf(capability));
        }

        return missing;
    }

    /// <summary>From the next <c>execve</c> of this thread on there are no others, nor can there be (<c>PR_CAPBSET_DROP</c>). Without the right to do that nothing changes.</summary>
    public static void BoundTo(params ReadOnlySpan<int> kept)
    {
        for (int capability = 0; capability <= Last; capability++)
        {
            if (!kept.Contains(capability)) _ = ProcessControl(DropFromBoundingSet, (nuint)capability, 0, 0, 0);
        }
    }

    private static string NameOf(int capability) => capability switch
    {
        NetAdmin => "CAP_NET_ADMIN",
        NetRaw => "CAP_NET_RAW",
        IpcLock => "CAP_IPC_LOCK",
        Perfmon => "CAP_PERFMON",
        Bpf => "CAP_BPF",
        _ => string.Create(CultureInfo.InvariantCulture, $"capability {capability}"),
    };

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int ProcessControl(int option, nuint first, nuint second, nuint third, nuint fourth);
}
