namespace Mergeflow.Engine.OpenFlow;

/// <summary>Which keyword a field write was written with; the meaning is the same.</summary>
public enum OfSetSpelling : byte
{
    SetField,
    Load,
    Mod,
}
