namespace Mergeflow.Engine.Lookup;

/// <summary>Common program shapes that the packet path recognises without the interpreter.</summary>
public enum ProgramShape : byte
{
    General,
    Drop,
    OutputOnly,

    /// <summary><c>ct(..),recirc(id)</c>.</summary>
    CtRecirc,
}
