namespace Mergeflow.Engine.Text;

/// <summary>Text that cannot be parsed; line and column count from 1.</summary>
public class FlowTextException : Exception
{
    public FlowTextException(string message, int line = 1, int column = 1)
        : base(message) => (Line, Column) = (line, column);

    public int Line { get; }

    public int Column { get; }

    /// <summary><c>line L, column C: what was expected</c>.</summary>
    public override string ToString() => $"line {Line}, column {Column}: {Message}";
}
