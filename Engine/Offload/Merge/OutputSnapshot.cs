namespace Mergeflow.Engine.Offload;

/// <summary>The header as it left on one port.</summary>
internal struct OutputSnapshot
{
    public uint Port;
    public SymbolicHeader Header;
}
