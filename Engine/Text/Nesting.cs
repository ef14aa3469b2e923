namespace Mergeflow.Engine.Text;

/// <summary>Which action an action list stands in.</summary>
internal enum Nesting : byte
{
    None,
    WriteActions,
    Ct,
    Clone,
}
