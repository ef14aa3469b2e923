namespace Mergeflow.Control.Bridges;

/// <summary>Which Ethernet address a bridge has when nobody says one (OVS <c>find_local_hw_addr</c>).</summary>
public static class BridgeMac
{
    private const ulong Group = 0x0100_0000_0000;
    private const ulong Local = 0x0200_0000_0000;

    /// <summary>The lowest address of its ports that a maker has given, so that the bridge's own port is none that the host also answers for under another name; null = there is none.</summary>
    /// <param name="config">The bridge. Ports that mirrors go out by do not count; of several interfaces of a port the first by name does.</param>
    /// <param name="macOf">Address of an interface by its name; 0 = none that counts.</param>
    public static ulong? Of(BridgeConfig config, Func<string, ulong> macOf)
    {
        HashSet<string?> mirrors = [.. config.Mirrors.Select(static m => m.OutputPort)];
        ulong? lowest = null;
        foreach (PortConfig port in config.Ports.Where(p => !mirrors.Contains(p.Name)))
        {
            if (port.Interfaces.Select(static i => i.Name).Min(StringComparer.Ordinal) is not { } name) continue;
            ulong mac = macOf(name);
            if (mac != 0 && (mac & (Group | Local)) == 0 && !(mac >= lowest)) lowest = mac;
        }

        return lowest;
    }

    /// <summary>The address that it has otherwise, the same after each start: of the first six bytes of its row's id as Open vSwitch keeps it, marked as given by nobody.</summary>
    public static ulong Default(Guid id)
    {
        // Its words are in the order of the processor.
        Span<byte> bytes = stackalloc byte[16];
        _ = id.TryWriteBytes(bytes, bigEndian: true, out _);
        ulong mac = 0;
        foreach (int i in (ReadOnlySpan<int>)[3, 2, 1, 0, 7, 6]) mac = (mac << 8) | bytes[i];
        return (mac & ~Group) | Local;
    }
}
