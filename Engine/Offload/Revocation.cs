namespace Mergeflow.Engine.Offload;

/// <summary>Rules that no packet uses any more and that have to be taken out.</summary>
/// <param name="megaflowId">Those of this megaflow, or <see cref="NoMegaflow"/>: those of the port.</param>
/// <param name="port">OpenFlow port number.</param>
/// <param name="closed">What keeps them from being used.</param>
internal readonly struct Revocation(int megaflowId, uint port, GateSet closed)
{
    /// <summary>The port counts.</summary>
    public const int NoMegaflow = -1;

    public readonly int MegaflowId = megaflowId;
    public readonly uint Port = port;
    public readonly GateSet Closed = closed;
}
