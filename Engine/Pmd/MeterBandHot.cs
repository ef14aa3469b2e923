using System.Runtime.InteropServices;

namespace Mergeflow.Engine.Pmd;

/// <summary>A band of a <see cref="MeterHot"/> (OVS <c>struct dp_meter_band</c>).</summary>
[StructLayout(LayoutKind.Sequential, Size = SizeBytes)]
public struct MeterBandHot
{
    public const int SizeBytes = 32;

    /// <summary>Kilobit/s or packets/s, which is bits or thousandths of a packet per ms.</summary>
    public uint Rate;

    /// <summary>Kilobits or packets: a thousandth of the full bucket.</summary>
    public uint BurstSize;

    /// <summary>Tokens: bits, or thousandths of a packet.</summary>
    public ulong Bucket;

    /// <summary>Packets that the band has dropped.</summary>
    public ulong Packets;

    /// <summary>Their bytes.</summary>
    public ulong Bytes;
}
