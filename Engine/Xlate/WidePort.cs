using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Xlate;

/// <summary>The port that a packet came by as <c>OXM_OF_IN_PORT</c> has it: 32 bits, in which reserved numbers are those of OpenFlow 1.1 (OVS <c>ofputil_port_to_ofp11</c>, <c>ofputil_port_from_ofp11</c>).</summary>
internal static class WidePort
{
    /// <summary>Bits of the number of <paramref name="port"/>, which is one of OpenFlow 1.0.</summary>
    public static uint Read(uint port, Subfield bits) => (OfPorts.Widen(port) >> bits.Start) & MaskOf(bits);

    /// <summary>The port of OpenFlow 1.0 when some bits of its number are written; 0xffff (none) if there can be no such port.</summary>
    public static uint Write(uint port, Subfield bits, UInt128 value)
    {
        uint mask = MaskOf(bits);
        uint wide = (OfPorts.Widen(port) & ~(mask << bits.Start)) | (((uint)value & mask) << bits.Start);
        if (wide < OfPorts.Max) return wide;
        return wide >= OfPorts.WideOffset + OfPorts.Max ? wide - OfPorts.WideOffset : (uint)OfReservedPort.None;
    }

    private static uint MaskOf(Subfield bits) => (uint)((1UL << bits.BitCount) - 1);
}
