namespace Mergeflow.Engine.OpenFlow;

/// <summary>OpenFlow port numbers in 16 and 32 bits (OVS <c>ofp-port.c</c>).</summary>
public static class OfPorts
{
    /// <summary>First reserved number (<c>OFPP_MAX</c>): ordinary ports are below.</summary>
    public const uint Max = 0xff00;

    /// <summary><c>OFPP_UNSET</c>.</summary>
    public const uint Unset = 0xfff7;

    /// <summary>OpenFlow 1.1+ numbers of reserved ports are the 16-bit ones plus this (<c>OFPP11_OFFSET</c>).</summary>
    public const uint WideOffset = 0xffff0000;

    /// <summary>The OpenFlow 1.1+ number of a port that is given in 16 bits (OVS <c>ofputil_port_to_ofp11</c>).</summary>
    public static uint Widen(uint port) => port is >= Max and <= ushort.MaxValue ? port + WideOffset : port;

    /// <summary>The port in 16 bits that is given by its OpenFlow 1.1+ number; false, and the port none, if no port has that number (OVS <c>ofputil_port_from_ofp11</c>).</summary>
    public static bool TryNarrow(uint wide, out uint port)
    {
        bool isOrdinary = wide < Max, isThere = isOrdinary || wide >= WideOffset + Max;
        port = isOrdinary ? wide : isThere ? wide - WideOffset : (uint)OfReservedPort.None;
        return isThere;
    }
}

/// <summary>OpenFlow reserved ports with their 16-bit numbers (OVS <c>OFPP_*</c>).</summary>
public enum OfReservedPort : ushort
{
    InPort = 0xfff8,
    Table = 0xfff9,
    Normal = 0xfffa,
    Flood = 0xfffb,
    All = 0xfffc,
    Controller = 0xfffd,
    Local = 0xfffe,
    None = 0xffff,
}
