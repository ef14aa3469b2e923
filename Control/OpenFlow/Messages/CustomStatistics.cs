using System.Text;

namespace Mergeflow.Control.OpenFlow;

/// <summary>Counters with names in the statistics of a port, from OpenFlow 1.4 on (OVS <c>intel-ext.h</c>: <c>INTEL_PORT_STATS_CUSTOM</c>).</summary>
internal static class CustomStatistics
{
    private const uint Intel = 0xaa01;
    private const uint Custom = 2;
    private const int MostNameBytes = 63;

    /// <summary>The property; empty if there are none.</summary>
    public static OfBytes Write(IReadOnlyList<(string Name, ulong Value)> counters)
    {
        if (counters.Count == 0) return OfBytes.Empty;
        OfWriter w = new(OfVersion.V14);
        int start = OfProperty.Begin(w, OfProperty.Experimenter);
        w.U32(Intel);
        w.U32(Custom);
        w.Zeros(2);
        w.U16((ushort)counters.Count);
        foreach ((string name, ulong value) in counters)
        {
            ReadOnlySpan<byte> bytes = Encoding.UTF8.GetBytes(name);
            bytes = bytes[..Math.Min(bytes.Length, MostNameBytes)];
            w.U8((byte)bytes.Length);
            w.Bytes(bytes);
            w.U64(value);
        }

        OfProperty.End(w, start);
        return new OfBytes(w.Written.ToArray());
    }
}
